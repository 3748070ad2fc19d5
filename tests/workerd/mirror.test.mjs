// The board's mirror in the bucket of the real runtime: what is written there, when, and that nobody else notices when it cannot be.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { storage } from "../bench/runtime.mjs";
import { AT_LEAST_EVERY_MS, EVERY_MS, Mirror, decide } from "../../src/mirror.mjs";
import { anteroom as worker, startFaulty } from "./faulty.mjs";
import { Visitor, measureStalls, room, startAnteroom, until } from "./harness.mjs";

const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

describe("whether a board is written", () => {
  const line = { waiting: 3, sequence: 7 }, nobody = { waiting: 0, sequence: 8 };
  for (const [what, now, board, last, todo] of [
    ["a line that begins", 0, line, undefined, "write"],
    ["nobody, of whom nothing was said", 0, nobody, undefined, "rest"],
    ["nobody, where that was said", 9e9, nobody, { waiting: 0, sequence: 7, at: 0 }, "rest"],
    ["the end of a line", EVERY_MS, nobody, { ...line, at: 0 }, "write"],
    ["the end of a line, too soon", EVERY_MS - 1, nobody, { ...line, at: 0 }, "wait"],
    ["news", EVERY_MS, { ...line, sequence: 8 }, { ...line, at: 0 }, "write"],
    ["news, too soon", EVERY_MS - 1, { ...line, sequence: 8 }, { ...line, at: 0 }, "wait"],
    ["nothing new", AT_LEAST_EVERY_MS - 1, line, { ...line, at: 0 }, "wait"],
    ["nothing new for long", AT_LEAST_EVERY_MS, line, { ...line, at: 0 }, "write"],
    ["a clock that jumped back", 0, line, { ...line, at: 9e9 }, "write"],
    ["a line after none", EVERY_MS, { ...line, sequence: 9 }, { ...nobody, at: 0 }, "write"],
  ]) {
    test(`${what}: ${todo}`, () => assert.equal(decide(now, board, last), todo));
  }
});

describe("a bucket", () => {
  const board = (sequence, waiting = 1) => JSON.stringify({ sequence, waiting });

  test("is written to by one write at a time, and the newest wins", { timeout: 240_000 }, async () => {
    let [sequence, waiting, under_way, most] = [1, 1, 0, 0];
    const written = [], begun = [];
    const put = async (key, text) => {
      begun.push(performance.now());
      most = Math.max(most, (under_way += 1));
      await pause(300);
      under_way -= 1;
      written.push(`${key} ${text}`);
    };
    const mirror = new Mirror({ put }, () => board(sequence, waiting));
    const ended = mirror.wake("room");
    for (; sequence < 30; sequence += 1) {
      mirror.wake("room");
      await pause(100);
    }
    waiting = 0;
    await ended;
    assert.equal(most, 1);
    assert.equal(written[0], `room.json ${board(1)}`);
    assert.equal(written.at(-1), `room.json ${board(30, 0)}`);
    assert.ok(written.length >= 3 && written.length <= 5, written.join());
    assert.ok(begun.every((at, index) => index === 0 || at - begun[index - 1] >= EVERY_MS - 5), begun.join());
  });

  test("that fails is tried again, at most once a second, and a line that ended is not waited for", { timeout: 240_000 }, async () => {
    let [waiting, tries] = [1, 0];
    const put = () => {
      tries += 1;
      // It may throw, too.
      if (tries % 2) throw new Error("no such bucket");
      return Promise.reject(new Error("429"));
    };
    const mirror = new Mirror({ put }, () => board(tries, waiting)), since = Date.now();
    const ended = mirror.wake("room");
    await until(() => tries === 3, "it is tried again");
    assert.ok(Date.now() - since >= 2 * EVERY_MS - 10);
    waiting = 0;
    await ended;
    assert.ok(tries <= 4, `${tries} tries`);
  });

  test("hears nothing of what is not committed, and all of it afterwards", { timeout: 240_000 }, async () => {
    const written = [];
    let text;
    const mirror = new Mirror({ put: async (_, said) => written.push(said) }, () => text);
    await mirror.wake("room");
    assert.deepEqual(written, []);
    text = board(5);
    const ended = mirror.wake("room");
    await until(() => written.length === 1, "it is written");
    text = undefined;
    await ended;
    assert.deepEqual(written, [board(5)]);
  });
});

const FULL = { total_active_users: 1, session_duration_seconds: 300, board_mirror: "http://line.localhost:1" };

/** What lies in the bucket. */
async function look({ worker }) {
  const { MIRROR } = await worker.getEnv(), { objects } = await MIRROR.list();
  return Promise.all(objects.map(async ({ key }) => {
    const object = await MIRROR.get(key);
    return { key, meta: object.httpMetadata, uploaded: object.uploaded.getTime(), board: JSON.parse(await object.text()) };
  }));
}

/** Somebody who has the only seat. */
async function inside(anteroom, path = "") {
  const visitor = new Visitor({ ...anteroom, ask: (asked, options) => anteroom.ask(path + asked, options) });
  await until(async () => (await visitor.arrive()) === "inside", "the seat is free");
  await visitor.go();
  return visitor;
}

describe("a room with a mirror", () => {
  let anteroom;
  before(async () => {
    const plain = room({ name: "plain", path: "/plain", ...FULL, board_mirror: "" });
    anteroom = await startAnteroom({ isMirrored: true, rooms: [room({ name: "mirrored", path: "/mirrored", ...FULL }), plain] });
  });
  after(() => anteroom.stop());

  const behind = (path) => new Visitor({ ...anteroom, ask: (asked, options) => anteroom.ask(path + asked, options) });

  test("has its board there while a line stands, as everybody may see it, and once more when it has ended", { timeout: 240_000 }, async () => {
    const holder = await inside(anteroom, "/mirrored");
    assert.deepEqual(await look(anteroom), [], "nobody waits");
    const visitor = behind("/mirrored");
    await until(async () => (await visitor.arrive()) === "waiting", "somebody waits");
    const [{ key, meta, board }] = await until(async () => { const found = await look(anteroom); return found[0]?.board.waiting === 1 && found; }, "the board is written");
    const { rooms } = JSON.parse(await (await anteroom.worker.getEnv()).DIRECTORY.getByName("directory").ask("directory", "document", ""));
    assert.equal(key, `${rooms.find(({ settings }) => settings.name === "mirrored").id}.json`);
    assert.deepEqual(meta, { contentType: "application/json", cacheControl: "public, max-age=1" });
    // Nothing is said there that the room does not say to everybody.
    const told = JSON.parse((await anteroom.ask("/mirrored/.anteroom/board")).body);
    assert.deepEqual(Object.keys(board), Object.keys(told));
    const still = ({ sequence: _, at_ms: __, free: ___, ...rest }) => rest;
    assert.deepEqual(still(board), still(told));

    // While nobody asks anything it is kept young, and not written every second for nothing.
    const ages = new Set();
    for (const end = Date.now() + 12_000; Date.now() < end; await pause(100)) {
      const now = Date.now(), [{ uploaded, board: { at_ms } }] = await look(anteroom);
      ages.add(uploaded);
      // An older one no page would believe (docs/mirror.md).
      assert.ok(now - at_ms < 11_000, `it is ${now - at_ms} ms old`);
    }
    assert.ok(ages.size >= 2 && ages.size <= 12, `${ages.size} boards in 12 s`);

    await holder.leave();
    await until(async () => (await visitor.go()).headers.anteroom === undefined, "they are let in");
    const last = await until(async () => { const [found] = await look(anteroom); return found.board.waiting === 0 && found; }, "the mirror says that nobody waits");
    await pause(7_000);
    assert.deepEqual(await look(anteroom), [last], "and then it is let alone");
  });

  test("is the only one that has anything there", { timeout: 240_000 }, async () => {
    await inside(anteroom, "/plain");
    const visitor = behind("/plain"), keys = async () => (await look(anteroom)).map(({ key }) => key), before = await keys();
    await until(async () => (await visitor.arrive()) === "waiting", "somebody waits");
    await pause(3_000);
    assert.deepEqual(await keys(), before);
  });
});

describe("a room with a mirror, and no bucket", () => {
  test("is as any other", { timeout: 240_000 }, async (t) => {
    const anteroom = await startAnteroom({ rooms: [room(FULL)] });
    t.after(() => anteroom.stop());
    assert.equal((await anteroom.worker.getEnv()).MIRROR, undefined);
    const holder = await inside(anteroom), visitor = new Visitor(anteroom);
    await until(async () => (await visitor.arrive()) === "waiting", "somebody waits");
    await holder.leave();
    await until(async () => (await visitor.go()).headers.anteroom === undefined, "they are let in");
  });
});

describe("a bucket that nobody can write to", { timeout: 240_000 }, () => {
  const HOST = "line.localhost", BUCKETS = ["unreachable", "silent"];
  const rooms = [room({ host: HOST, ...FULL, total_active_users: 5, board_mirror: "http://mirror.localhost:1" })];
  let faulty;
  before(async () => { faulty = await startFaulty([...BUCKETS, "panics"].map((name) => worker(name, rooms))); });
  after(() => faulty.stop());

  /** Some who are inside, and more who wait. */
  async function line(place) {
    const people = Array.from({ length: 15 }, () => new Visitor(place)), states = [];
    for (const visitor of people) states.push(await visitor.arrive());
    assert.ok(states.includes("inside") && states.at(-1) === "waiting", states.join());
    return { inside: people.filter((_, index) => states[index] === "inside"), waiting: people.filter((_, index) => states[index] !== "inside") };
  }

  for (const bucket of BUCKETS) {
    test(`because it is ${bucket} costs nobody a moment, and is written to once it is back`, async () => {
      const place = faulty.at(bucket, HOST);
      await place.switch({ bucket });
      const { inside, waiting } = await line(place), since = Date.now();
      for (const visitor of inside) {
        await visitor.go();
        await visitor.leave();
      }
      for (const visitor of waiting.slice(0, 3)) await until(async () => (await visitor.go()).headers.anteroom === undefined, "they are let in");
      assert.ok(Date.now() - since < 9_000, "sooner than a write is given up");
      const { written } = await place.switch({ bucket });
      assert.ok(written.length >= 1, "it was tried");
      if (bucket === "silent") assert.equal(written.length, 1, "one at a time");
      assert.ok(written.every(({ at }, index) => index === 0 || at - written[index - 1].at >= EVERY_MS), "at most once a second");
      await place.switch();
      const [{ board }] = await until(async () => { const { written: more } = await place.switch(); return more.length > 0 && more; }, "it is written");
      assert.ok(board.at_ms > since && board.waiting > 0);
      // What edges have comes down the tree once a second: it may be older.
      await until(async () => (await place.board()).sequence >= board.sequence, "everybody hears of it");
    });
  }

  test("is written to again after the Wasm began anew, and what is told never goes back", async (t) => {
    const place = faulty.at("panics", HOST), all = [], stalls = measureStalls();
    t.after(() => stalls.stop());
    await line(place);
    await place.switch({ traps: { "room step": { every: 4, most: 3, when: "after" } } });
    const anew = async () => {
      // Whoever provoked it is told to come again by the static page.
      await new Visitor(place).arrive().catch(() => {});
      const { written, sprung } = await place.switch();
      all.push(...written);
      return sprung["room step"];
    };
    await until(async () => (await anew()) === 3, "it began anew three times");
    const before = all.length;
    await until(async () => (await anew(), all.length >= before + 3), "it is written to again, and again");
    const apart = all.slice(before + 1).map(({ at }, index) => at - all[before + index].at);
    assert.ok(Math.max(...apart) <= 4_000 + stalls.longestMs, `${apart} ms apart`);
    const boards = all.map(({ board }) => board.sequence);
    assert.deepEqual(boards, [...boards].sort((a, b) => a - b));
  });
});

describe("a room whose machine is switched off", { timeout: 240_000 }, () => {
  test("is mirrored again as soon as anybody asks", async (t) => {
    const HOST = "line.localhost", state = storage(), rooms = [room({ host: HOST, ...FULL, board_mirror: "http://mirror.localhost:1" })];
    t.after(() => rmSync(state, { recursive: true, force: true }));
    const start = () => startFaulty([worker("room", rooms)], { state });
    const before = await start(), people = Array.from({ length: 3 }, () => new Visitor(before.at("room", HOST)));
    for (const visitor of people) await visitor.arrive();
    const [{ key, board }] = await until(async () => { const { written } = await before.at("room", HOST).switch(); return written.length > 0 && written; }, "it is mirrored");
    await before.stop();
    const after = await start(), place = after.at("room", HOST);
    t.after(() => after.stop());
    await place.board();
    const [again] = await until(async () => { const { written } = await place.switch(); return written.length > 0 && written; }, "it is mirrored again");
    assert.equal(again.key, key);
    assert.ok(again.board.sequence >= board.sequence && again.board.waiting > 0);
  });
});

describe("pages that poll", { timeout: 240_000 }, () => {
  const HOST = "line.localhost", SECONDS = 8;
  const PAGE = { "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin", Accept: "application/vnd.anteroom+json", "Accept-Language": "en" };
  let faulty;
  before(async () => { faulty = await startFaulty([worker("polls", [room({ host: HOST, total_active_users: 1, session_duration_seconds: 300 })])]); });
  after(() => faulty.stop());

  /** So many pages ask where they stand, each again after so long: how often they asked, and what our objects were called for meanwhile. */
  async function poll(place, pages, every) {
    await place.switch();
    const start = Date.now(), end = start + SECONDS * 1_000;
    const counts = await Promise.all(pages.map(async (page) => {
      let asked = 0;
      for (; Date.now() < end; await pause(every)) {
        const answer = await page.ask("/.anteroom/wait?to=/", { headers: PAGE });
        assert.equal(JSON.parse(answer.body).state, "waiting");
        asked += 1;
      }
      return asked;
    }));
    const { calls } = await place.switch(), seconds = (Date.now() - start) / 1_000;
    // A board a second at most, on its way from the Room to the region to the leaf to the isolate, and every five seconds the directory.
    const most = 3 * (seconds + 1) + seconds / 5 + 1;
    const sum = (numbers) => numbers.reduce((sum, number) => sum + number, 0);
    return { asked: sum(counts), calls: sum(Object.values(calls)), most, told: JSON.stringify(calls) };
  }

  test("call no object: whether one polls or sixty, the isolate makes as many calls as time allows to stay up to date", async () => {
    const place = faulty.at("polls", HOST), holder = new Visitor(place);
    await until(async () => (await holder.arrive()) === "inside", "the seat is free");
    await holder.go();
    const pages = Array.from({ length: 60 }, () => new Visitor(place));
    for (const page of pages) await until(async () => (await page.arrive()) === "waiting", "they wait");
    const one = await poll(place, pages.slice(0, 1), 100), all = await poll(place, pages, 5);
    assert.ok(all.asked > 1_000 && all.asked > 10 * one.asked, `${all.asked} polls are no crowd, nor ${one.asked} a page`);
    for (const { asked, calls, most, told } of [one, all]) assert.ok(calls <= most, `${asked} polls made ${calls} calls, and ${most} at most are time's: ${told}`);
    console.log(`# in ${SECONDS} s: ${all.asked} polls: ${all.calls} calls; ${one.asked} polls: ${one.calls} calls`);
  });
});
