// What visitors inside can feel: requests over HTTP to a real origin, through Anteroom and through a Worker that only fetches. A fifth of
// a second each in turn, at constant concurrency, the order rotating; the interval of their ratio, and, because a shared machine is
// never quiet, the interval of the bare Worker against its own twin in the same rounds: no difference smaller than that can be
// claimed. The client says how busy it kept its core: near 1, it would be what is measured.
import { obtainPass, navigation, OPEN_HOST } from "./browser.mjs";
import { drive, expect, get, sender } from "./load.mjs";
import { median, medianInterval, rotated } from "./statistics.mjs";

const ROUNDS = 200;
const SECONDS = 0.2;
const CONNECTIONS = 32;
const WARM_UP = 10;
const WORKERS = ["anteroom", "bare", "twin"];

export async function measureThroughput(ports) {
  const request = get("/basket/items?page=2&sort=price", navigation(await obtainPass(sender(ports.anteroom, OPEN_HOST))));
  const check = (head) => expect(head, 200, "origin");
  const round = async (worker) => drive({ port: ports[worker], connections: CONNECTIONS, next: () => request, seconds: SECONDS, check });
  const pairs = { anteroom: [], twin: [], p99: [], perSecond: [] };
  let clientMicros = 0;
  let wallMicros = 0;
  for (let index = -WARM_UP; index < ROUNDS; index += 1) {
    const seen = {};
    const before = process.cpuUsage();
    const begin = performance.now();
    for (const worker of rotated(WORKERS, index + WARM_UP)) seen[worker] = await round(worker);
    if (index < 0) continue;
    const { user, system } = process.cpuUsage(before);
    clientMicros += user + system;
    wallMicros += (performance.now() - begin) * 1000;
    pairs.anteroom.push(seen.anteroom.perSecond / seen.bare.perSecond);
    pairs.twin.push(seen.twin.perSecond / seen.bare.perSecond);
    pairs.p99.push(seen.anteroom.p99 / seen.bare.p99);
    pairs.perSecond.push(seen.bare.perSecond);
  }
  const [anteroom, twin, p99] = [pairs.anteroom, pairs.twin, pairs.p99].map(medianInterval);
  return {
    throughput_vs_bare: anteroom.ratio, throughput_vs_bare_low: anteroom.low, throughput_vs_bare_high: anteroom.high,
    bare_vs_bare: twin.ratio, bare_vs_bare_low: twin.low, bare_vs_bare_high: twin.high,
    p99_vs_bare: p99.ratio, p99_vs_bare_low: p99.low, p99_vs_bare_high: p99.high,
    bare_per_second: median(pairs.perSecond), client_busy: clientMicros / wallMicros,
  };
}
