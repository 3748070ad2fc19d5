// One token is no key to unlimited calls: whoever asks at full speed costs our objects next to nothing and others nothing, and the platform's rate limit is
// asked in the holder's name before an object is called.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { cookieOf } from "../attack/world.mjs";
import { anteroom, startFaulty } from "./faulty.mjs";
import { APP, Visitor, room, startAnteroom, until } from "./harness.mjs";

const OPEN = "open.localhost", LINE = "line.localhost";
const rooms = [room({ name: "open", host: OPEN }), room({ name: "line", host: LINE, total_active_users: 1, session_duration_seconds: 300 })];
let faulty;
before(async () => { faulty = await startFaulty(["flood", "limited"].map((name) => anteroom(name, rooms))); });
after(() => faulty.stop());

const told = ({ status, headers }) => [status, headers.anteroom, headers["set-cookie"]?.length ?? 0];

describe("one token at full speed", () => {
  /** Others who join, one every 100 ms, while `flood` asks; what our objects were called for meanwhile. */
  async function besides(line, flood) {
    await line.switch();
    let over = false;
    const start = Date.now();
    const floods = Array.from({ length: flood ? 64 : 0 }, async (_, index) => {
      let asked = 0;
      for (; !over; asked += 1) await flood(asked + index);
      return asked;
    });
    const places = [], slowest = { ms: 0 };
    for (let index = 0; index < 30; index += 1) {
      const visitor = new Visitor(line), from = Date.now();
      assert.equal(await visitor.arrive(), "waiting");
      places.push(visitor.place);
      slowest.ms = Math.max(slowest.ms, Date.now() - from);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    over = true;
    const asked = (await Promise.all(floods)).reduce((sum, count) => sum + count, 0);
    const { calls } = await line.switch();
    return { asked, places, slowestMs: slowest.ms, calls: calls["edge>LOBBY ask"], seconds: (Date.now() - start) / 1_000 };
  }

  test("of a ticket or an arrival costs our objects a few calls, and nobody else their place", { timeout: 240_000 }, async () => {
    const line = faulty.at("flood", LINE);
    const first = new Visitor(line);
    assert.equal(await first.arrive(), "inside");
    await first.go();
    await until(async () => (await new Visitor(line).go()).headers.anteroom === "joining", "the seat is taken");
    const arrived = new Visitor(line);
    await arrived.go();
    const arrival = { ...APP, Cookie: cookieOf(arrived) };
    assert.equal((await arrived.stand("/")).state, "waiting");
    const ticket = { ...APP, Cookie: cookieOf(arrived) };
    const quiet = await besides(line);
    const loud = await besides(line, (index) => line.ask(["/", "/.anteroom/wait", "/.anteroom/wait?anteroom-claim=1"][index % 3], { headers: index % 2 ? ticket : arrival }));
    assert.ok(loud.asked > 1_000, `${loud.asked} requests are no flood`);
    assert.equal(new Set([...quiet.places, ...loud.places]).size, 60, "a place of their own for everybody");
    // Time alone makes two a second at most: a board, and a wish that is repeated.
    const ofTime = 2 * Math.max(0, loud.seconds - quiet.seconds);
    assert.ok(loud.calls <= quiet.calls + ofTime + 20, `${loud.asked} requests of one token made ${loud.calls - quiet.calls} calls`);
    // Two answers of ours, each within four seconds.
    assert.ok(loud.slowestMs < 8_000, `somebody else waited ${loud.slowestMs} ms`);
    assert.equal((await arrived.stand("/")).place, 1, "its rank is the one it had");
  });
});

describe("the platform's rate limit", () => {
  test("is bound, and counts", { timeout: 240_000 }, async (t) => {
    const deployed = await startAnteroom();
    t.after(() => deployed.stop());
    const { CALLS } = await deployed.worker.getEnv();
    const allows = async () => (await CALLS.limit({ key: "somebody" })).success;
    assert.equal(await allows(), true);
    // It counts anew every ten seconds, whenever that is.
    await until(async () => !(await Promise.all(Array.from({ length: 30 }, allows))).every(Boolean), "it refuses");
  });

  test("is asked in the holder's name, and who asks too much keeps what they have", { timeout: 240_000 }, async () => {
    const [open, line] = [OPEN, LINE].map((host) => faulty.at("limited", host));
    const newcomer = new Visitor(open);
    await open.switch({ limit: "refuses" });
    assert.equal(await newcomer.arrive(), "inside");
    assert.deepEqual((await open.switch({ limit: "refuses" })).names, [], "whoever comes first has no name yet");
    assert.deepEqual(told(await newcomer.go()), [200, undefined, 0], "inside one goes on, whatever is said of a renewal");

    const [first, second] = [new Visitor(line), new Visitor(line)];
    await line.switch({ limit: "allows" });
    await until(async () => (await first.arrive()) === "inside", "the first is inside");
    await first.go();
    await until(async () => (await new Visitor(line).go()).headers.anteroom === "joining", "the seat is taken");
    await second.go();
    await line.switch({ limit: "refuses" });
    assert.equal((await second.stand("/")).state, "joining");
    await line.switch({ limit: "broken" });
    await until(async () => (await second.stand("/")).state === "waiting", "a limit that fails refuses nobody");
    const { names: [joined] } = await line.switch({ limit: "allows" });
    await first.leave();
    await until(async () => (await second.stand()).state === "your_turn", "it is their turn");
    await line.switch({ limit: "refuses" });
    assert.deepEqual(told(await second.go()), [503, "reconnecting", 0]);
    const { names: [claimed], calls } = await line.switch({ limit: "allows" });
    assert.equal(claimed, joined, "one holder, one name");
    assert.match(claimed, /^[0-9a-f]{32} [0-9a-f]{32}$/);
    assert.equal(calls["lobby>ROOM batch"], undefined, "the Room was not called");
    await until(async () => (await second.go()).headers.anteroom === undefined, "and they get in");
  });
});
