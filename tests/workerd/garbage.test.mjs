// Bytes that no lobby of ours sends, at the objects' own door, while somebody waits there: whoever sent them is told so, and nobody else hears of it. And a Room
// whose own timer finds it in a panic begins anew one time.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { regionOf } from "../../src/region.mjs";
import { anteroom, startFaulty } from "./faulty.mjs";
import { Visitor, room, until } from "./harness.mjs";

const LINE = "line.localhost", PACED = "paced.localhost";
const rooms = [
  room({ name: "line", host: LINE, total_active_users: 1, session_duration_seconds: 300 }),
  room({ name: "paced", host: PACED, total_active_users: 200, new_users_per_minute: 300 }),
];
const GARBAGE = { nothing: [], "another version": [9, 1, 2, 3], "a name without an end": [1, 200], noise: Array.from({ length: 300 }, (_, index) => (index * 97) % 256) };

let faulty;
before(async () => { faulty = await startFaulty([anteroom("garbage", rooms)]); });
after(() => faulty.stop());

describe("garbage", { timeout: 240_000 }, () => {
  let line, id;
  before(async () => {
    line = faulty.at("garbage", LINE);
    assert.equal(await new Visitor(line).arrive(), "inside");
    ({ id } = (await line.operate("/waiting_rooms")).result.find(({ host }) => host === LINE));
  });

  /** What is called for one who joins, while garbage is sent to these objects, from when the Room has been asked until all of it is told of. */
  async function joinAmong(objects) {
    const visitor = new Visitor(line), calls = {};
    await visitor.go();
    const count = async (faults) => {
      for (const [call, times] of Object.entries((await line.switch({ faults })).calls)) calls[call] = (calls[call] ?? 0) + times;
      return calls["lobby>ROOM batch"];
    };
    await count({ "lobby>ROOM": "held" });
    for (const call of Object.keys(calls)) delete calls[call];
    const joining = visitor.stand("/");
    await until(count, "the join is on its way");
    const told = await Promise.all(objects.flatMap((object) => Object.values(GARBAGE).map((bytes) => line.send({ ...object, bytes }))));
    await count({});
    const { state } = await joining;
    await count();
    const batches = Object.fromEntries(Object.entries(calls).filter(([call]) => call.endsWith("batch") || call.endsWith("ask")));
    return { state, told, batches };
  }

  test("at a region's lobby, a leaf and a Room is refused by itself: who joins is told of their place by the calls that were made for them", async () => {
    const name = `${id}/${regionOf()}`;
    const objects = [{ binding: "LOBBY", name, action: "batch" }, { binding: "LOBBY", name: `${name}/3`, action: "batch" }, { binding: "ROOM", name: id, action: "batch" }];
    const { state, told, batches } = await joinAmong(objects);
    assert.equal(told.length, objects.length * Object.keys(GARBAGE).length);
    for (const { said, thrown } of told) assert.ok(said === undefined && thrown.length > 0 && !/unreachable|core began anew/.test(thrown), thrown);
    assert.deepEqual([state, batches], ["waiting", { "edge>LOBBY ask": 1, "lobby>LOBBY batch": 1, "lobby>ROOM batch": 1 }]);
    assert.equal((await line.switch({ faults: {} })).generation, 0);
  });
});

test("a Room whose timer finds it in a panic begins anew one time, and goes on", { timeout: 240_000 }, async () => {
  const paced = faulty.at("garbage", PACED), crowd = Array.from({ length: 90 }, () => new Visitor(paced));
  await Promise.all(crowd.map((visitor) => visitor.arrive()));
  const waits = async () => (await paced.board()).waiting;
  await until(waits, "a line stands");
  // Some are called in a second, and nobody asks: time alone has it take a step.
  const { generation: before } = await paced.switch({ traps: { "room step": { every: 1, most: 1 } } });
  const sprung = async () => {
    const told = await paced.switch();
    return told.sprung["room step"] && told;
  };
  assert.equal((await until(sprung, "time passes")).generation - before, 1);
  await until(async () => (await waits()) === 0, "all are called");
});
