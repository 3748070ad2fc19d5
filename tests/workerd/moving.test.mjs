// A Room that moves (durable/src/moving.rs) on the real runtime: when it does, that everything of before holds, whatever fails in between, and that who asks
// where it was finds it. All regions are one machine here: that an object is made where its name says is the platform's (`nearby`, src/errands.mjs).
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { callRoom, way } from "../../src/errands.mjs";
import { OPERATORS_HOST, OPERATORS_TOKEN, anteroom, startFaulty } from "./faulty.mjs";
import { Visitor, room, startDevelopment, until } from "./harness.mjs";

const HOST = "shop.localhost", CONCURRENTLY = { concurrency: true, timeout: 240_000 };
const fields = { host: HOST, total_active_users: 1, claim_window_seconds: 10 };
const SERVICES = {
  leaves: room({ ...fields, session_duration_seconds: 60 }),
  returns: room({ ...fields, session_duration_seconds: 14 }),
  late: room({ ...fields, session_duration_seconds: 60 }),
  unreachable: room(fields), unheard: room(fields), panics: room(fields),
  reset: room({ ...fields, session_duration_seconds: 300 }),
};
let faulty;
before(async () => { faulty = await startFaulty(Object.entries(SERVICES).map(([name, settings]) => anteroom(name, [settings]))); });
after(() => faulty.stop());

/** A room, and what its operator sees of it. */
async function opened(name) {
  const shop = faulty.at(name, HOST), path = `/waiting_rooms/${(await shop.operate("/waiting_rooms")).result[0].id}`;
  const live = async () => (await shop.operate(`${path}/live`)).result;
  const to = async (region) => {
    const { status, result, messages } = await shop.operate(path, { method: "PATCH", body: { room_region: region } });
    assert.deepEqual([status, result.room_region ?? "", messages], [200, region, []]);
  };
  const lives = (region) => until(async () => (await live())?.region === region, `the room lives in ${region}`, 60_000);
  return { shop, path, live, to, lives };
}

/** Whoever comes while an edge takes the room for open still is *joining*, and comes back. */
const joins = (visitor) => until(async () => (await visitor.arrive()) === "waiting", "they have a place");

describe("a room", CONCURRENTLY, () => {
  test("stays where it is while somebody is inside or waits, moves when they are gone, and goes on with the next rank", async () => {
    const { shop, path, live, to, lives } = await opened("leaves");
    const inside = new Visitor(shop), waits = new Visitor(shop);
    assert.deepEqual([await inside.arrive(), await waits.arrive(), waits.place], ["inside", "waiting", 1]);
    const refused = await shop.operate(path, { method: "PATCH", body: { room_region: "atlantis", queueing_status_code: 418 } });
    assert.deepEqual([refused.status, refused.errors.length], [400, 2]);
    await to("weur");
    const { region, moves_to: wanted } = await live();
    assert.deepEqual([region, wanted], ["", "weur"]);
    await inside.leave();
    await until(async () => (await waits.stand()).state === "your_turn", "the first in line is called");
    assert.equal((await waits.go()).headers.anteroom, undefined);
    assert.equal((await live()).region, "", "somebody was there all the time");
    await waits.leave();
    await lives("weur");
    assert.deepEqual([(await live()).moves_to, (await live()).issued], ["", 1]);
    // What was given up went along, and is free there when every edge has heard of it.
    await until(async () => (await live()).inside === 0, "the seat is free");

    const next = new Visitor(shop), behind = new Visitor(shop);
    assert.equal(await next.arrive(), "inside");
    await joins(behind);
    assert.equal(behind.place, 2, "the next rank");
    await next.leave();
    await behind.leave();
    // And once more, from there.
    await to("oc");
    await lives("oc");
    assert.equal((await live()).issued, 2);
    await shop.switch();
    await live();
    assert.equal((await shop.switch()).calls["directory>ROOM status"], 1, "where it lives is known");
    assert.equal((await shop.operate(path, { method: "DELETE" })).status, 200);
  });

  test("gives whoever lost their seat to the clock that seat back, though it has moved meanwhile", async () => {
    const { shop, to, lives } = await opened("returns");
    const visitor = new Visitor(shop);
    assert.equal(await visitor.arrive(), "inside");
    await visitor.go();
    const pass = [...visitor.jar.values()][0];
    await to("apac");
    await lives("apac");
    assert.equal([...visitor.jar.values()][0], pass);
    assert.equal((await visitor.go()).headers.anteroom, undefined, "their seat is theirs");
    assert.notEqual([...visitor.jar.values()][0], pass);
  });

  test("lets a latecomer in with the ticket of before", async () => {
    const { shop, live, to, lives } = await opened("late");
    const inside = new Visitor(shop), late = new Visitor(shop);
    assert.deepEqual([await inside.arrive(), await late.arrive()], ["inside", "waiting"]);
    await inside.leave();
    await to("sam");
    const { region } = await until(async () => { const told = await live(); return told.called === 1 && told; }, "they are called");
    assert.equal(region, "", "a seat is held for them");
    await lives("sam");
    assert.equal((await late.go()).headers.anteroom, undefined);
    assert.equal((await live()).inside, 1);
  });

  test("that is never empty moves when it is reset, and whoever keeps asking has a place there", async () => {
    const { shop, path, live, to, lives } = await opened("reset");
    const inside = new Visitor(shop), crowd = Array.from({ length: 5 }, () => new Visitor(shop));
    assert.equal(await inside.arrive(), "inside");
    for (const visitor of crowd) assert.equal(await visitor.arrive(), "waiting");
    await to("me");
    assert.equal((await live()).region, "", "people wait in it");
    let isOver = false;
    const asking = crowd.map(async (visitor) => {
      while (!isOver) {
        if ((await visitor.stand()).state === "joining") await visitor.arrive();
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    });
    await shop.operate(`${path}/reset`, { method: "POST" });
    await lives("me");
    await until(async () => { const { inside, waiting } = await live(); return inside + waiting >= crowd.length; }, "they have places there", 30_000);
    isOver = true;
    await Promise.all(asking);
  });
});

describe("when a room has frozen, and", CONCURRENTLY, () => {
  const BROKEN = {
    unreachable: { "the next object cannot be reached": { faults: { "room>ROOM": "unreachable" } } },
    // It has come there, and the old one does not know: it waits for ten seconds (MOVING_PATIENCE_MS, src/objects.mjs).
    unheard: { "its word comes too late": { faults: { "room>ROOM": 12_000 } } },
    panics: { "memory is lost at each step": { traps: { "room leaving": { every: 1, most: 2 }, "room left": { every: 1, most: 2 } } } },
  };
  for (const [name, [[what, broken]]] of Object.entries(BROKEN).map(([name, told]) => [name, Object.entries(told)])) {
    test(`${what}, nobody gets in by either, and in the end it lives there and nothing is lost`, async () => {
      const { shop, path, live, to, lives } = await opened(name);
      const before = new Visitor(shop), waited = new Visitor(shop);
      assert.deepEqual([await before.arrive(), await waited.arrive(), waited.place], ["inside", "waiting", 1]);
      for (const visitor of [waited, before]) await visitor.leave();
      await until(async () => (await live()).inside === 0, "it is empty", 40_000);
      await shop.switch(broken);
      await to("eeur");
      if (broken.faults) {
        const early = new Visitor(shop);
        for (let tries = 0; tries < 3; tries += 1) assert.notEqual(await early.arrive(), "inside");
        assert.equal((await shop.operate(`${path}/live`)).status, 503);
        await shop.switch({ faults: {} });
      }
      // By itself: its alarm, or whoever asks.
      await lives("eeur", 30_000);
      const { sprung } = await shop.switch({ traps: {} });
      if (broken.traps) assert.deepEqual(sprung, { "room leaving": 2, "room left": 2 });
      assert.deepEqual([(await live()).issued, (await live()).waiting], [1, 0]);
      const next = new Visitor(shop), behind = new Visitor(shop);
      await until(async () => (await next.arrive()) === "inside", "the next is let in", 30_000);
      await joins(behind);
      assert.equal(behind.place, 2, "the next rank");
    });
  }
});

test("who asks where a room was first is told where it lives, and asks there", async () => {
  const asked = [], objects = { r: "~r~weur~1", "r~weur~1": "~r~oc~2", "r~oc~2": "well" };
  const env = { ROOM: { getByName: (name, options) => ({ ask: async (of) => {
    assert.equal(of, name);
    asked.push([name, options?.locationHint]);
    return objects[name];
  } }) } };
  const find = (name) => way(env, "ROOM", name);
  assert.deepEqual(await callRoom(find, "r", "board", ""), { said: "well" });
  assert.deepEqual(await callRoom(find, "r", "board", ""), { said: "well" });
  assert.deepEqual(asked, [["r", undefined], ["r~weur~1", "weur"], ["r~oc~2", "oc"], ["r~oc~2", "oc"]]);
  // What leads in a circle has an end.
  objects["r~oc~2"] = "~r~oc~2";
  assert.deepEqual(await callRoom(find, "r", "board", ""), {});
});

test("a machine that has forgotten everything finds the room by its first object", { timeout: 240_000 }, async () => {
  const development = await startDevelopment({ vars: { OPERATOR_HOST: OPERATORS_HOST, OPERATOR_TOKENS: `ada:${OPERATORS_TOKEN}` } });
  try {
    const operate = async (path, options) => {
      const headers = { Authorization: `Bearer ${OPERATORS_TOKEN}` };
      return JSON.parse((await development.ask(`/client/v4/zones/z${path}`, { host: OPERATORS_HOST, headers, ...options })).body);
    };
    const [{ id }] = (await operate("/waiting_rooms")).result;
    await operate(`/waiting_rooms/${id}`, { method: "PATCH", body: JSON.stringify({ room_region: "wnam", total_active_users: 1 }) });
    const live = async () => (await operate(`/waiting_rooms/${id}/live`)).result;
    await until(async () => (await live())?.region === "wnam", "the room has moved", 30_000);
    const visitor = new Visitor(development), waits = new Visitor(development);
    assert.deepEqual([await visitor.arrive(), await waits.arrive(), waits.place], ["inside", "waiting", 1]);
    await development.crash();
    assert.deepEqual([(await live()).region, (await live()).inside], ["wnam", 1]);
    assert.equal((await waits.stand()).place, 1);
    const behind = new Visitor(development);
    assert.deepEqual([await behind.arrive(), behind.place], ["waiting", 2]);
  } finally {
    await development.stop();
  }
});
