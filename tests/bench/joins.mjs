// What the first minute of a morning costs: joins, each of another visitor and each durable before it is answered, against a Durable
// Object that stores one counter for each. At 64 connections batching must pay; at one it can only cost. Both answer the very
// same requests: a navigation back from the page with a fresh arrival, which is good for 120 s and one rank, so the arrivals
// of a round are gathered just before it, outside the time that is measured. Beside them the least that this way through two objects
// takes (workers/floor.mjs).
import { APP, LINE_HOST, obtainPass } from "./browser.mjs";
import { drive, expect, get, sender } from "./load.mjs";
import { median, rotated } from "./statistics.mjs";

const LEVELS = [{ connections: 64, joins: 640, rounds: 30 }, { connections: 1, joins: 100, rounds: 30 }];
const WARM_UP = 3;

async function gatherArrivals(port, count) {
  const request = get("/", { Host: LINE_HOST, ...APP });
  const cookies = [];
  let left = count;
  await drive({
    port, connections: 32, next: () => (left-- > 0 ? request : null),
    check: (head) => {
      expect(head, 200, "anteroom");
      cookies.push(/^set-cookie: *([^;\r\n]+)/im.exec(head)[1]);
    },
  });
  if (new Set(cookies).size !== count) throw new Error("two arrivals are the same: their joins would be one");
  return cookies;
}

const joinsWith = (arrivals) => arrivals.map((cookie) => get("/", { Host: LINE_HOST, ...APP, Cookie: cookie }));

function checkJoin(head, body) {
  expect(head, 200, "anteroom");
  if (!/^set-cookie:/im.test(head) || !body.includes('"place":')) throw new Error(`not a join: ${head}`);
}

async function compare(ports, { connections, joins, rounds }) {
  const ratios = { anteroom: [], floor: [] };
  const rates = { anteroom: [], naive: [] };
  for (let round = -WARM_UP; round < rounds; round += 1) {
    const requests = joinsWith(await gatherArrivals(ports.anteroom, joins));
    const seen = {};
    for (const worker of rotated(["anteroom", "naive", "floor"], round + WARM_UP)) {
      const left = [...requests];
      const check = worker === "anteroom" ? checkJoin : (head) => expect(head, 200, worker);
      seen[worker] = await drive({ port: ports[worker], connections, next: () => left.pop() ?? null, check });
    }
    if (round < 0) continue;
    for (const worker of ["anteroom", "floor"]) ratios[worker].push(seen[worker].perSecond / seen.naive.perSecond);
    for (const worker of ["anteroom", "naive"]) rates[worker].push(seen[worker].perSecond);
  }
  return { ratio: median(ratios.anteroom), floor: median(ratios.floor), anteroom: median(rates.anteroom), naive: median(rates.naive) };
}

export async function measureJoins(ports) {
  await obtainPass(sender(ports.anteroom, LINE_HOST));
  const report = {};
  for (const level of LEVELS) {
    const { ratio, floor, anteroom, naive } = await compare(ports, level);
    report[`join_vs_naive_${level.connections}`] = ratio;
    report[`join_floor_vs_naive_${level.connections}`] = floor;
    report[`join_per_second_${level.connections}`] = anteroom;
    report[`naive_per_second_${level.connections}`] = naive;
  }
  return report;
}
