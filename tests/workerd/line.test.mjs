// The main job, on the real runtime: a crowd waits at the edge, the Room keeps the line, a pass lets them through.
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import { REGIONS } from "../../src/region.mjs";
import { APP, NAVIGATION, Visitor, measureStalls, room, startAnteroom, until } from "./harness.mjs";

const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

describe("a crowd of 300 for 50 seats", () => {
  let anteroom;
  const lived = [];
  let stalls;
  before(async () => {
    anteroom = await startAnteroom();
    stalls = measureStalls();
  });
  after(async () => {
    stalls.stop();
    await anteroom.stop();
  });

  // A seat that is given up is free eight seconds later (rule 1), so fifty of them are used six times within a minute and a quarter.
  // Walks from page to purchase as a browser would, and writes down what happened.
  async function walk(visitor) {
    const note = { errors: [], again: [], get place() { return visitor.place; } };
    lived.push(note);
    let state = await visitor.arrive();
    for (const end = Date.now() + 150_000; state !== "inside"; ) {
      if (Date.now() > end) return void (note.lost = true);
      const asked = Date.now();
      if (state === "your_turn") {
        note.called ??= asked;
        const page = await visitor.go();
        note.admissions = (note.admissions ?? 0) + 1;
        if (!page.headers.anteroom) break;
        // Who is told so comes again, as the page does.
        (page.headers.anteroom === "reconnecting" ? note.again : note.errors).push(`told it was their turn, and then ${page.headers.anteroom}`);
      } else if (state === "joining" || state === "unavailable") {
        if (state === "unavailable") note.again.push(state);
        await pause(1_000);
        state = await visitor.arrive();
        continue;
      }
      const told = await visitor.stand();
      if (told.state === "waiting") note.uncalled = asked;
      state = told.state;
      if (state !== "your_turn") await pause(Math.min(told.pollAfterMs, 2_000));
    }
    for (const [path, method] of [["/style.css", "GET"], ["/api/stock", "GET"], ["/cart", "POST"], ["/purchase", "POST"]]) {
      const answer = await visitor.ask(path, { method });
      if (answer.status >= 400) note.errors.push(`${path}: ${answer.status}`);
    }
    await pause(500);
    await visitor.ask("/bye", { method: "POST", headers: NAVIGATION });
    await visitor.leave();
  }

  /** Every lobby that lives loses its memory: how many did. */
  async function evictLobbies(room) {
    const regions = ["near", ...REGIONS].map((region) => `${room}/${region}`);
    const names = regions.flatMap((region) => [region, ...Array.from({ length: 40 }, (_, leaf) => `${region}/${leaf}`)]);
    const evicted = await Promise.allSettled(names.map((name) => anteroom.worker.evictDurableObject("LOBBY", { name })));
    return evicted.filter(({ status }) => status === "fulfilled").length;
  }

  test("everybody gets in, in order, and never more than 50 at once; losing all memory in the middle changes nothing", { timeout: 240_000 }, async () => {
    const crowd = Array.from({ length: 300 }, () => new Visitor(anteroom));
    const walks = crowd.map(async (visitor, index) => {
      await pause(index * 4);
      return walk(visitor);
    });
    const evictions = (async () => {
      const { id } = JSON.parse(await anteroom.worker.getEnv().then((env) => env.DIRECTORY.getByName("directory").ask("directory", "document", ""))).rooms[0];
      for (let time = 0; time < 3; time++) {
        await pause(6_000);
        await anteroom.worker.evictDurableObject("ROOM", { name: id });
        if (time === 1) assert.ok(await evictLobbies(id) >= 2, "a leaf and its region");
      }
    })();
    await Promise.all([...walks, evictions]);

    assert.deepEqual(lived.flatMap((note) => note.errors), []);
    // An answer of the Room's is waited for so long; where the machine lets nobody run for that time, it is late.
    if (stalls.longestMs < 1_000) assert.deepEqual(lived.flatMap((note) => note.again), []);
    assert.ok(lived.every(({ again }) => again.length <= 3), "and not again and again");
    assert.equal(lived.filter((note) => note.lost).length, 0, "nobody is lost");
    assert.ok(anteroom.shop.stats.inside_max <= 50, `the shop saw ${anteroom.shop.stats.inside_max} at once`);
    assert.equal(anteroom.shop.stats.purchases, 300);
    assert.equal(anteroom.shop.stats.sessions, 300, "nobody was let in twice");

    const places = lived.map((note) => note.place).filter(Boolean);
    assert.equal(new Set(places).size, places.length, "no place was given twice");
    const waited = lived.filter((note) => note.called).sort((a, b) => a.place - b.place);
    let calledBefore = Infinity;
    for (const note of waited.toReversed()) {
      // An edge may act on a board that is up to two seconds old.
      assert.ok(!(note.uncalled > calledBefore + 3_000), `place ${note.place} still waited when a higher one was called`);
      calledBefore = Math.min(calledBefore, note.called);
    }
  });
});

describe("many who join in one moment", () => {
  let anteroom;
  before(async () => { anteroom = await startAnteroom({ rooms: [room({ queue_all: true })] }); });
  after(() => anteroom.stop());

  /** Asks for a place, and is gone before there is an answer. */
  const askAndGo = ({ jar }) => new Promise((resolve) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const sent = request(anteroom.url, { headers: { ...APP, Cookie: cookie }, agent: false });
    sent.on("error", () => {}).on("close", resolve);
    sent.end(() => setTimeout(() => sent.destroy(), Math.random() * 4));
  });

  test("travel together, and who goes away in the middle takes nobody along", { timeout: 240_000 }, async () => {
    const visitors = Array.from({ length: 120 }, () => new Visitor(anteroom));
    await Promise.all(visitors.map((visitor) => visitor.go()));
    const told = await Promise.all(visitors.map((visitor, index) => (index % 3 === 0 ? askAndGo(visitor) : visitor.stand("/"))));
    const stayed = told.filter(Boolean);
    assert.deepEqual([stayed.length, new Set(stayed.map(({ state }) => state))], [80, new Set(["held"])]);
    // Who went away may have been given a place, and gets the same one, or the next.
    const back = await Promise.all(visitors.filter((_, index) => index % 3 === 0).map((visitor) => visitor.stand("/")));
    const places = [...stayed, ...back].map(({ place }) => place).sort((a, b) => a - b);
    assert.deepEqual(places, Array.from({ length: 120 }, (_, index) => places[0] + index), "one place each, without a gap");
  });
});

describe("clients that keep no cookies", () => {
  let anteroom;
  // No seat that one of them was given is free again before the last of them has come.
  before(async () => { anteroom = await startAnteroom({ rooms: [room({ session_duration_seconds: 600 })] }); });
  after(() => anteroom.stop());

  test("10 000 of them take no rank and at most a tenth of the seats", { timeout: 240_000 }, async () => {
    let [left, inside] = [10_000, 0];
    const client = async () => {
      while (left-- > 0) {
        const answer = await anteroom.ask("/", { headers: NAVIGATION });
        assert.ok(answer.status === 200);
        if (!answer.headers.anteroom) inside++;
      }
    };
    await Promise.all(Array.from({ length: 32 }, client));
    const board = await anteroom.board();
    assert.equal(board.issued, 0);
    assert.ok(inside >= 1 && inside <= 5, `${inside} were let in`);
    assert.equal(anteroom.shop.stats.sessions, inside);
  });
});

describe("a place and its pass", () => {
  let anteroom;
  before(async () => { anteroom = await startAnteroom({ rooms: [room({ total_active_users: 1 })] }); });
  after(() => anteroom.stop());

  test("who leaves lets the next one in; a copied pass that was given up opens nothing", { timeout: 240_000 }, async () => {
    const [first, second] = [new Visitor(anteroom), new Visitor(anteroom)];
    assert.equal(await first.arrive(), "inside");
    await first.go(); // Confirms the pass.
    const copy = new Visitor(anteroom);
    copy.jar = new Map(first.jar);
    assert.equal(await until(async () => {
      const state = await second.arrive();
      return state !== "inside" && state;
    }, "the room is full"), "waiting");
    assert.equal((await copy.go("/echo")).headers.anteroom, undefined);
    assert.equal((await first.leave()).headers.anteroom, "left");
    assert.equal(first.jar.size, 1, "only the shop's own cookie is left");
    assert.equal((await copy.go()).headers.anteroom, "joining");
    await until(async () => (await second.stand()).state === "your_turn", "the second is called");
    assert.equal((await second.go()).headers.anteroom, undefined);
  });
});

describe("a room that counts joins of one network", () => {
  let anteroom;
  before(async () => { anteroom = await startAnteroom({ rooms: [room({ total_active_users: 1, joins_per_prefix_per_minute: 3 })] }); });
  after(() => anteroom.stop());

  test("gives so many of it a rank in a minute, and tells the others so", { timeout: 240_000 }, async () => {
    const visitors = Array.from({ length: 8 }, () => new Visitor(anteroom));
    const states = [];
    for (const visitor of visitors) states.push(await visitor.arrive());
    assert.deepEqual(states, ["inside", ...Array(3).fill("waiting"), ...Array(4).fill("crowded")]);
    const page = await visitors[7].go();
    assert.deepEqual([page.headers.anteroom, page.status], ["crowded", 200]);
    assert.match(page.body, /joining from the same network/);
    await until(async () => (await anteroom.board()).issued === 3, "the board to tell of three ranks");
  });
});
