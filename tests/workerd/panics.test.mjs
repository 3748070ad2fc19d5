// The Wasm panics in every part of it, so many calls after another, while others are on their way: whoever provoked it is told to come again, nobody else notices,
// and every place is given once.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { anteroom, startFaulty } from "./faulty.mjs";
import { APP, NAVIGATION, Visitor, room, until } from "./harness.mjs";

const OPEN = "open.localhost", LINE = "line.localhost";
const rooms = [
  room({ name: "open", host: OPEN, total_active_users: 1_000, session_duration_seconds: 300 }),
  room({ name: "line", host: LINE, total_active_users: 1, session_duration_seconds: 300 }),
];
const JOINS = 60;
/**
 * What panics, at every so many of its calls: in the edge, in the objects, in what an edge makes of an object's word. After what was asked has been done, but
 * not told, is the worst moment.
 */
const PANICS = {
  "a reply is heard": { traps: { told: { every: 5, containing: '"join"' } }, of: "edge" },
  // Seldom enough that no request has three instances die under it: then it is told to come back (`follow`, src/entry.mjs).
  "news are heard": { traps: { learn: { every: 4, containing: '"board"' } }, of: "edge" },
  "a lobby is asked": { traps: { "lobby ask": { every: 5 } }, of: "lobbies" },
  "a lobby has taken what it was asked": { traps: { "lobby ask": { every: 5, when: "after" } }, of: "lobbies" },
  "a lobby has heard of its batch": { traps: { "lobby heard": { every: 4, when: "after", containing: "batch" } }, of: "lobbies" },
  // Seldom enough for a batch to be answered within its four tries: then nobody else is given its ranks.
  "a Room takes a step": { traps: { "room step": { every: 6 } }, of: "rooms", dense: true },
  "a Room has taken a step": { traps: { "room step": { every: 6, when: "after" } }, of: "rooms", dense: true },
  "the directory is asked": { traps: { "directory ask": { every: 3, containing: "command" } }, of: "directories", operates: true },
  "the directory has answered": { traps: { "directory ask": { every: 3, when: "after", containing: "command" } }, of: "directories", operates: true },
  "the directory hears of a Room": { traps: { "directory heard": { every: 3, when: "after", containing: "command" } }, of: "directories", operates: true },
};
const worker = (name, part) => `${name.replaceAll(" ", "-")}-${part}`;
/** One Anteroom whose edge and objects are isolates of their own, as they are on most days: what panics takes none of the others along. */
const apart = (name) => {
  const [edge, lobbies, directories, of] = ["edge", "lobbies", "directories", "rooms"].map((part) => worker(name, part));
  return [
    anteroom(of, rooms, { objects: { ROOM: "RoomObject" } }),
    anteroom(lobbies, rooms, { objects: { LOBBY: "LobbyObject" }, others: { ROOM: of } }),
    anteroom(directories, rooms, { objects: { DIRECTORY: "DirectoryObject" }, others: { ROOM: of } }),
    anteroom(edge, rooms, { objects: {}, others: { ROOM: of, LOBBY: lobbies, DIRECTORY: directories } }),
  ];
};

let faulty;
before(async () => {
  const together = [anteroom("gate", rooms), anteroom("together", rooms)];
  faulty = await startFaulty([...together, ...Object.keys(PANICS).flatMap(apart)]);
});
after(() => faulty.stop());

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until there is a place, keeping the cookie. */
async function join(line) {
  const visitor = new Visitor(line);
  return until(async () => {
    const { headers, body } = await visitor.ask("/", { headers: APP });
    const place = headers["content-type"] === "application/json" ? JSON.parse(body).cfWaitingRoom.place : null;
    return place && Object.assign(visitor, { place });
  }, "there is a place");
}

/** Somebody who shops on and on: whatever they are answered is the origin's. */
async function shopping(open) {
  const visitor = new Visitor(open);
  assert.equal(await visitor.arrive(), "inside");
  await visitor.go();
  let over = false, requests = 0;
  const done = (async () => {
    for (; !over || requests < 20; requests += 1) {
      const { status, headers } = await visitor.go("/basket");
      assert.deepEqual([status, headers.anteroom], [200, undefined], "somebody inside was sent a page of ours");
      await pause(5);
    }
    return requests;
  })();
  return { stop: () => ((over = true), done) };
}

/** An operator, who changes something again and again: what is told them is so, and what they cannot be told may be. */
async function operating(edge) {
  const { result: [{ id }] } = await edge(LINE).operate("/waiting_rooms");
  const told = [];
  for (let limit = 100; limit < 112; limit += 1) {
    const { status, result } = await edge(LINE).operate(`/waiting_rooms/${id}`, { method: "PATCH", body: { total_active_users: limit } });
    assert.ok(status === 503 || (status === 200 && result.total_active_users === limit), `${status}`);
    if (status === 200) told.push(limit);
  }
  const changes = await until(async () => (await edge(LINE).operate("/waiting_room_changes")).result, "the directory is back");
  const logged = changes.map(({ after }) => after.total_active_users);
  assert.ok(told.length > 0 && told.every((limit) => logged.filter((one) => one === limit).length === 1), `told ${told}, logged ${logged}`);
}

/** A crowd joins while something panics: everybody has a place of their own, and those who had one before have it still. */
async function crowd(edge, panicking, { traps, dense, operates }) {
  await new Visitor(edge(LINE)).go();
  const early = await join(edge(LINE)), shopper = await shopping(edge(OPEN));
  await panicking.switch({ traps });
  const joins = Array.from({ length: JOINS }, (_, index) => pause(20 * index).then(() => join(edge(LINE))));
  if (operates) await operating(edge);
  const joined = await Promise.all(joins);
  const panics = ({ sprung }) => Object.values(sprung).reduce((sum, count) => sum + count, 0);
  // Who only shops has no news fetched for as long as nobody waits: those in line do, so somebody looks at the board.
  const goesOn = () => edge(LINE).ask("/.anteroom/board");
  await until(async () => (await goesOn(), panics(await panicking.switch()) >= 3), "it has panicked three times");
  const last = await panicking.switch({ traps: {} }), { generation } = last;
  const places = joined.map(({ place }) => place).sort((a, b) => a - b);
  assert.equal(new Set([early.place, ...places]).size, JOINS + 1, "a place was given twice");
  // Boards come once a second.
  const issued = async () => (await edge(LINE).board().catch(() => ({}))).issued;
  await until(async () => places.at(-1) <= (await issued()), "as many ranks were given as were told");
  if (dense) assert.deepEqual(places, places.map((_, index) => early.place + 1 + index), "what was told once is told again");
  for (const visitor of [early, ...joined.slice(0, 10)]) assert.equal(await until(async () => (await visitor.stand()).place, "they are told where they stand"), visitor.place);
  await shopper.stop();
  assert.equal(generation, panics(last), "each began a new instance");
}

describe("the Wasm panics", { concurrency: 4, timeout: 240_000 }, () => {
  for (const [name, panic] of Object.entries(PANICS)) {
    test(`while ${name}: those inside go on, and everybody has a place of their own`, async () => {
      const edge = (host) => faulty.at(worker(name, "edge"), host);
      await crowd(edge, faulty.at(worker(name, panic.of), LINE), panic);
    });
  }

  test("in one isolate with every object in it: whatever was in memory, nobody's place is lost", async () => {
    const edge = (host) => faulty.at("together", host);
    const traps = {
      "room step": { every: 7, most: 4, when: "after" }, "lobby heard": { every: 5, most: 4 }, "lobby ask": { every: 6, most: 4, when: "after" },
      told: { every: 5, most: 4, containing: '"join"' },
    };
    await crowd(edge, edge(LINE), { traps });
  });

  test("in the gate: who provoked it gets a page that tries again, and nobody else a thing", async () => {
    const edge = (host) => faulty.at("gate", host), POISON = { Panic: "1" };
    await new Visitor(edge(LINE)).go();
    const shopper = await shopping(edge(OPEN));
    const early = await join(edge(LINE));
    let over = false;
    const poisoning = (async () => {
      let panics = 0;
      for (; !over || panics < 10; panics += 1) {
        const { status, headers, body } = await edge(OPEN).ask("/", { headers: { ...NAVIGATION, ...POISON } });
        assert.deepEqual([status, headers.anteroom, headers["retry-after"], headers["set-cookie"]], [503, "unavailable", "10", undefined]);
        assert.match(body, /http-equiv="refresh"/);
        const form = await edge(OPEN).ask("/", { method: "POST", headers: { ...NAVIGATION, ...POISON } });
        assert.ok(form.status === 503 && !/http-equiv/.test(form.body), "a form's page goes nowhere by itself");
        await pause(20);
      }
      return 2 * panics;
    })();
    const joined = await Promise.all(Array.from({ length: JOINS }, (_, index) => pause(10 * index).then(() => join(edge(LINE)))));
    over = true;
    const panics = await poisoning, { generation } = await edge(OPEN).switch();
    assert.equal(generation, panics, "each began a new instance");
    await shopper.stop();
    assert.equal(new Set(joined.map(({ place }) => place)).size, JOINS);
    assert.equal((await early.stand()).place, early.place);
  });
});

/** An origin that sells something and ends the session with it, every time. */
async function startTill() {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { "Anteroom-Command": "revoke", "Set-Cookie": "bought=1" }).end("bought");
  });
  server.keepAliveTimeout = 0;
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: server.address().port, stop: () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())) };
}

describe("the Wasm panics on the way of somebody inside", { timeout: 240_000 }, () => {
  let till, open;
  before(async () => {
    const listens = room({ host: OPEN, session_duration_seconds: 300, enabled_origin_commands: ["revoke"] });
    till = await startFaulty([anteroom("till", [listens])], { origin: await startTill() });
    open = till.at("till", OPEN);
  });
  after(() => till.stop());
  /** The names of what an answer sets, ours without the room. */
  const sets = ({ headers }) => headers["set-cookie"]?.map((line) => line.replace(/^anteroom-.*?=;.*/, "anteroom-, none").replace(/[=0-9].*/, "")).sort();
  const whole = ({ status, headers, body }) =>
    assert.deepEqual([status, headers.anteroom, headers["anteroom-command"], body], [200, undefined, undefined, "bought"]);

  test("as the origin ends the session: its answer arrives whole but for the command, with the cookies of both", async () => {
    const visitor = new Visitor(open);
    await open.switch({ traps: { revoke: { every: 1, most: 2 } } });
    const before = (await open.switch()).generation;
    // Of first contact, whose pass comes with this very answer; and of somebody who had theirs.
    const first = await visitor.go();
    whole(first);
    assert.deepEqual(sets(first), ["anteroom-", "bought"]);
    whole(await visitor.ask("/", { method: "POST", headers: NAVIGATION }));
    const { generation, sprung } = await open.switch();
    assert.deepEqual([generation - before, sprung], [2, { revoke: 2 }]);
    assert.ok([...visitor.jar.keys()].some((name) => name.startsWith("anteroom-")), "the session goes on");
    // The next one is heard.
    const last = await visitor.go();
    whole(last);
    assert.deepEqual(sets(last), ["anteroom-, none", "bought"]);
  });

  test("as a pass is looked at: whoever provoked it gets a page that tries again, and goes on with the next request", async () => {
    // What the origin commands meanwhile is none of this test's: with a pass that is kept they come again.
    const visitor = new Visitor(open);
    await open.switch({ traps: { revoke: { every: 1 } } });
    whole(await visitor.go());
    const jar = new Map(visitor.jar), before = (await open.switch({ traps: { revoke: { every: 1 }, admits: { every: 1, most: 1 } } })).generation;
    const { status, headers, body } = await visitor.go();
    assert.deepEqual([status, headers.anteroom, headers["retry-after"], headers["set-cookie"]], [503, "unavailable", "10", undefined]);
    assert.match(body, /http-equiv="refresh"/);
    const { generation, sprung } = await open.switch();
    assert.deepEqual([generation - before, sprung, visitor.jar], [1, { admits: 1 }, jar]);
    whole(await visitor.go());
    whole(await new Visitor(open).go());
  });
});
