// What a million people who wait cost: a poll over HTTP against a Rust "hello" that reads and says nothing, beside the least that reads and
// says what a poll has to (workers/floor.mjs); and the calls to objects that polls cause. Calls
// of every kind are counted, by proxies around the bindings, while bursts of 1 000 polls run inside workerd. A board is refreshed by
// the clock, once a second, whoever polls then; so a burst may catch a refresh that it did not cause, and the burst with
// the fewest calls is what counts. A call for anything but a newer board or directory counts in any burst.
import { APP, LINE_HOST, obtainPass, obtainTicket } from "./browser.mjs";
import { ask, drive, expect, get, sender } from "./load.mjs";
import { best, median, rotated } from "./statistics.mjs";

const ROUNDS = 60;
const SECONDS = 0.2;
const CONNECTIONS = 32;
const WARM_UP = 5;
const BURSTS = 10;
const POLLS = 1_000;

async function countCalls(port) {
  const bursts = [];
  for (let burst = 0; burst < BURSTS; burst += 1) {
    const { body } = await ask(port, `/polls?count=${POLLS}`, { Host: "inside" });
    bursts.push(JSON.parse(body));
  }
  if (bursts[0].before === 0) throw new Error("no call was counted on the way to the ticket: the counting is broken");
  const beyondRefreshes = bursts.reduce((sum, burst) => sum + burst.beyondRefreshes, 0);
  return Math.max(best(bursts.map(({ all }) => all)), beyondRefreshes / BURSTS) * (1_000 / POLLS);
}

export async function measurePolls(ports) {
  const send = sender(ports.anteroom, LINE_HOST);
  await obtainPass(send);
  const ticket = await obtainTicket(send);
  const poll = get("/.anteroom/wait?to=/", { Host: LINE_HOST, ...APP, Cookie: ticket });
  const rounds = {
    poll: () => drive({
      port: ports.anteroom, connections: CONNECTIONS, seconds: SECONDS, next: () => poll,
      check: (head) => expect(head, 200, "anteroom"),
    }),
    hello: () => drive({
      port: ports.hello, connections: CONNECTIONS, seconds: SECONDS, next: () => poll,
      check: (head) => expect(head, 200, "hello"),
    }),
    floor: () => drive({
      port: ports.floor, connections: CONNECTIONS, seconds: SECONDS, next: () => poll,
      check: (head) => expect(head, 200, "floor"),
    }),
  };
  const waits = await ask(ports.anteroom, "/.anteroom/wait?to=/", { Host: LINE_HOST, ...APP, Cookie: ticket });
  const { state } = JSON.parse(waits.body).cfWaitingRoom;
  if (state !== "waiting") throw new Error(`the polls are of somebody who is ${state}, not waiting`);
  const ratios = { poll: [], floor: [] };
  const perSecond = [];
  for (let round = -WARM_UP; round < ROUNDS; round += 1) {
    const seen = {};
    for (const what of rotated(["poll", "hello", "floor"], round + WARM_UP)) seen[what] = await rounds[what]();
    if (round < 0) continue;
    for (const what of ["poll", "floor"]) ratios[what].push(seen[what].perSecond / seen.hello.perSecond);
    perSecond.push(seen.hello.perSecond);
  }
  return {
    poll_vs_hello: median(ratios.poll), poll_floor_vs_hello: median(ratios.floor), hello_per_second: median(perSecond),
    poll_object_calls_per_1000: await countCalls(ports.inside),
  };
}
