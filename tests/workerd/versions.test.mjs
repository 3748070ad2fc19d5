// Old and new versions at once, as they are while a deploy spreads: whoever asks and whoever answers may be of another one. On each link what is said is made to
// look as the first version or a later one says it (versions.mjs), in asks, answers, boards, settings and batches; a whole visit must come of it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { anteroom, startFaulty } from "./faulty.mjs";
import { Visitor, room, until } from "./harness.mjs";

const HOST = "shop.localhost";
const rooms = [room({ host: HOST, total_active_users: 1, session_duration_seconds: 60, outage_grace_seconds: 5 })];
const EDGES = ["edge>LOBBY", "edge>DIRECTORY"], OBJECTS = ["lobby>ROOM", "directory>ROOM"];
const speaking = (version, links) => Object.fromEntries(links.map((link) => [link, version]));
/** Which version speaks on which links. */
const MIXES = {
  "an old edge": speaking("first", EDGES),
  "a later edge": speaking("later", EDGES),
  "an old Room": speaking("first", OBJECTS),
  "a later Room": speaking("later", OBJECTS),
  "nobody but the first version": speaking("first", [...EDGES, ...OBJECTS]),
  "an old edge and a later Room": { ...speaking("first", EDGES), ...speaking("later", OBJECTS) },
  "a later edge and an old Room": { ...speaking("later", EDGES), ...speaking("first", OBJECTS) },
};
/** What is said on each link, and sounds otherwise in another version. (The first one's batches were as ours.) */
const WORDS = {
  "edge>LOBBY": () => ["ask, asked", "ask, answered"],
  "edge>DIRECTORY": () => ["document, answered"],
  "lobby>ROOM": (version) => ["board, answered", "batch, answered", ...(version === "later" ? ["batch, asked"] : [])],
  "directory>ROOM": (version) => ["configure, asked", ...(version === "later" ? ["configure, answered"] : [])],
};
const worker = (name) => name.replaceAll(" ", "-");

let faulty;
before(async () => { faulty = await startFaulty(Object.keys(MIXES).map((name) => anteroom(worker(name), rooms))); });
after(() => faulty.stop());

describe("with", { concurrency: true, timeout: 240_000 }, () => {
  for (const [name, versions] of Object.entries(MIXES)) {
    test(`${name} people come in, are renewed, join, wait, claim, shop and leave`, async () => {
      const shop = faulty.at(worker(name), HOST);
      await shop.switch({ versions });
      const inside = new Visitor(shop), pass = () => [...inside.jar.values()][0];
      assert.equal(await inside.arrive(), "inside");
      const first = pass();
      assert.equal((await inside.go()).headers.anteroom, undefined);
      assert.notEqual(pass(), first, "first contact's pass is renewed by the next request");
      assert.equal((await inside.stand()).state, "admitted");

      const waits = new Visitor(shop), behind = new Visitor(shop);
      assert.deepEqual([await waits.arrive(), waits.place, await behind.arrive(), behind.place], ["waiting", 1, "waiting", 2]);
      assert.deepEqual([(await waits.stand()).state, (await behind.stand()).peopleAhead], ["waiting", 1]);
      const { id } = (await shop.operate("/waiting_rooms")).result[0];
      const changed = await shop.operate(`/waiting_rooms/${id}`, { method: "PATCH", body: { total_active_users: 2 } });
      assert.deepEqual([changed.status, changed.result.total_active_users], [200, 2]);
      await until(async () => (await waits.stand()).state === "your_turn", "the first in line is called", 30_000);
      assert.equal((await waits.go()).headers.anteroom, undefined, "a called place is let in by the request that asks");
      assert.equal((await waits.go()).headers.anteroom, undefined);
      assert.equal((await waits.stand()).state, "admitted");
      assert.equal((await behind.leave()).headers.anteroom, "left");
      for (const visitor of [waits, inside]) assert.equal((await visitor.leave()).headers.anteroom, "left");
      const { reworded } = await shop.switch();
      for (const [link, version] of Object.entries(versions)) for (const words of WORDS[link](version)) assert.ok(reworded[`${link} ${words}`], `${link} ${words}: not in other words`);
    });
  }
});
