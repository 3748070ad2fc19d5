// Isolates of one data center hear from each other what objects said, and from nobody else. What forgeries come to is an attack (tests/attack/apart.mjs).
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { anteroom as faulty, startFaulty } from "./faulty.mjs";
import { NAVIGATION, Visitor, room, startAnteroom, until } from "./harness.mjs";
import { NEIGHBOUR, cacheOf, entryOf, opened, placeOf } from "./shared.mjs";

const HOST = "localhost";
let anteroom, cache, inside;
before(async () => {
  anteroom = await startAnteroom({ rooms: [room({ total_active_users: 1, session_duration_seconds: 300 })], beside: [NEIGHBOUR] });
  cache = cacheOf(anteroom.harness);
  inside = new Visitor(anteroom);
  assert.equal(await inside.arrive(), "inside");
  await inside.go();
  await until(waits, "the room is full");
});
after(() => anteroom.stop());

const waits = async () => (await anteroom.ask("/", { headers: NAVIGATION })).headers.anteroom === "joining";
const directory = placeOf(HOST, "directory");
/** What an isolate that is asked all the while shares of this. */
const told = (place) => until(async () => {
  await waits();
  const entry = await cache.read(place);
  if (!entry) return undefined;
  const { at, text } = opened(place, entry);
  return { at, ...JSON.parse(text) };
}, `something lies at ${place}`);

describe("the data center's cache", { timeout: 240_000 }, () => {
  test("has what an isolate heard of directory and room, sealed, for the others", async () => {
    const since = Date.now() - 60_000, { at, version, rooms } = await told(directory);
    assert.ok(at > since && at <= Date.now() && version >= 1);
    assert.deepEqual(rooms.map(({ settings }) => settings.name), ["test"]);
    const { at: madeAt, board, revocations } = await told(placeOf(HOST, rooms[0].id));
    assert.ok(madeAt > since && madeAt <= Date.now());
    assert.ok(["open", "busy"].includes(board.phase));
    assert.deepEqual(revocations.passes, []);
  });

  test("tells an isolate what another one heard: it does not ask the objects, which would say otherwise", async () => {
    const { version, rooms: [here] } = await told(directory);
    // The directory once the room has moved to another path, as somebody with the key would have heard of it.
    const moved = JSON.stringify({ version, rooms: [{ ...here, settings: { ...here.settings, path: "/elsewhere" } }] });
    await until(async () => {
      await cache.write(directory, entryOf(directory, moved));
      return !(await waits());
    }, "an isolate believes it");
    // It is asked again in time, and the truth is heard.
    await until(waits, "the truth is heard");
    assert.equal((await inside.go()).headers.anteroom, undefined);
  });

  test("that never answers costs who waits for it a moment, and nobody an answer", async (t) => {
    let asked = 0;
    const silent = createServer((socket) => socket.on("error", () => {}).on("data", () => (asked += 1))).listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    // One after the other, each an isolate that knows nothing yet: what the machine makes one of them wait it does not make all.
    const names = ["first", "second", "third"], took = [];
    const { at, stop } = await startFaulty(names.map((name) => faulty(name, [room()])), { cachePort: silent.address().port });
    t.after(async () => (await stop(), silent.close()));
    for (const name of names) {
      const place = at(name, HOST), visitor = new Visitor(place), since = Date.now();
      asked = 0;
      assert.equal(await visitor.arrive(), "inside");
      took.push(Date.now() - since);
      assert.ok(asked > 0, "the cache was asked");
      const { calls } = await place.switch();
      assert.deepEqual([calls["edge>DIRECTORY document"], calls["edge>LOBBY ask"] >= 2], [1, true], "the objects were");
      assert.equal((await visitor.go()).headers.anteroom, undefined);
    }
    assert.ok(Math.min(...took) < 1_900, `sooner than anybody's patience with an object ends: ${took}`);
  });
});
