// A room that follows its origin: what an isolate looks at (src/health.mjs), and all of it on the real runtime, from an answer of 500 to the operator's page.
import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { taken, watched, watching } from "../../src/health.mjs";
import { APP, Visitor, room, startAnteroom, until } from "./harness.mjs";

const NOON = 1_800_000_000_000, TOKEN = "0123456789abcdef0123456789abcdef";
const GET = { body: null };
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("what an isolate looks at", () => {
  let rooms = 0;
  /** A room nobody has been to, with a clock in our hands. */
  function begin(t) {
    mock.timers.enable({ apis: ["Date", "setTimeout"], now: NOON });
    t.after(() => mock.timers.reset());
    const name = `room${(rooms += 1)}`, sent = [];
    const look = (answer, pass = 1, request = GET) => watched(answer, watching(`${name}/7 1000 ${pass}.1`), request, (errand) => sent.push(errand));
    const said = (age) => JSON.parse(taken(name, Date.now(), age) ?? "null")?.wish.health;
    return { name, look, said, sent };
  }

  test("is handed on as it is: the origin's own promise, of the origin's own answer", async (t) => {
    const { look } = begin(t), answer = { status: 200 }, promise = Promise.resolve(answer), failing = Promise.reject(new Error("no route"));
    for (const pass of [1, 1, 2]) assert.equal(look(promise, pass), promise);
    assert.equal(await look(promise, 3), answer);
    assert.equal(look(failing, 4), failing);
    await assert.rejects(failing, /no route/);
  });

  test("is an error from 500 on, or if there is no answer; a visitor who leaves says nothing, and nothing good", async (t) => {
    const { look, said } = begin(t), none = () => Promise.reject(new Error("connection lost"));
    [200, 404, 499, 500, 503, 522].forEach((status, pass) => look(Promise.resolve({ status }), pass));
    look(none(), 10).catch(() => {});
    look(none(), 11, { body: {} }).catch(() => {});
    look(none(), 12, { body: null, signal: { aborted: true } }).catch(() => {});
    look(new Promise(() => {}), 13);
    await settled();
    // The six statuses, and the connection that was lost. Of who broke off nothing is known, and of what has not begun nothing yet.
    assert.deepEqual(said(0), { sampled: 7, errors: 4, slow: 0 });
    // Nor is what broke off late afterwards.
    mock.timers.tick(1_000);
    assert.deepEqual(said(0), { sampled: 1, errors: 0, slow: 1 }, "that one alone is");
  });

  test("is late as soon as it is, though it never begins; that it fails in the end is one thing more", async (t) => {
    const { look, said } = begin(t), { promise, resolve } = Promise.withResolvers();
    look(new Promise(() => {}), 1);
    look(promise, 2);
    mock.timers.tick(999);
    assert.equal(said(0), undefined);
    look(promise, 3);
    mock.timers.tick(1);
    resolve({ status: 504 });
    await settled();
    // The two of before, which began in a span that was told; and the third, which was not late.
    assert.deepEqual(said(0), { sampled: 4, errors: 2, slow: 2 });
  });

  test("is one answer of a pass in a span, and no more than 64 in all", async (t) => {
    const { look, said } = begin(t), bad = () => Promise.resolve({ status: 500 });
    for (let time = 0; time < 1_000; time += 1) look(bad(), 1);
    await settled();
    assert.deepEqual(said(0), { sampled: 1, errors: 1, slow: 0 });
    for (let pass = 0; pass < 200; pass += 1) look(bad(), pass);
    await settled();
    assert.deepEqual(said(0), { sampled: 64, errors: 64, slow: 0 });
  });

  test("goes along with a call after two seconds, by itself after three, and once", async (t) => {
    const { name, look, said, sent } = begin(t), good = Promise.resolve({ status: 200 });
    look(good, 1);
    await settled();
    mock.timers.tick(1_999);
    assert.equal(said(), undefined);
    mock.timers.tick(1);
    assert.deepEqual([said(), said()], [{ sampled: 1, errors: 0, slow: 0 }, undefined]);
    look(good, 1);
    await settled();
    mock.timers.tick(2_999);
    look(good, 2);
    assert.deepEqual(sent, []);
    await settled();
    mock.timers.tick(1);
    look(good, 3);
    assert.equal(sent.length, 1);
    const [kind, binding, leaf, action, line] = sent[0].split("\n");
    assert.deepEqual([kind, binding, leaf, action], ["?", "LOBBY", `${name}/7`, "ask"]);
    assert.deepEqual(JSON.parse(line).wish, { health: { sampled: 2, errors: 0, slow: 0 } });
    await settled();
    mock.timers.tick(60_001);
    look(good, 4);
    assert.equal(sent.length, 1, "what is a minute old is no news");
  });

  test("is nothing where no room asks for it", () => {
    assert.equal(watching(undefined), undefined);
    assert.equal(watching(""), undefined);
    assert.equal(taken("nowhere", NOON), undefined);
  });
});

describe("a room that follows its origin", () => {
  const LIMIT = 1_000, FLOOR = 980, CROWD = 30;
  const follows = { total_active_users: 400, new_users_per_minute: LIMIT, session_duration_seconds: 120 };
  const rooms = [
    room({ ...follows, origin_health: { new_users_per_minute_min: FLOOR } }),
    room({ ...follows, name: "revokes", host: "revokes.localhost", enabled_origin_commands: ["revoke"], origin_health: { new_users_per_minute_min: FLOOR } }),
    room({ ...follows, name: "plain", host: "plain.localhost" }),
  ];

  test("slows down while it answers 500, says so, and comes back; also where the origin is listened to anyway", { timeout: 240_000 }, async (t) => {
    const anteroom = await startAnteroom({ rooms, secrets: { OPERATOR_TOKENS: `ada:${TOKEN}` } });
    t.after(() => anteroom.stop());
    const api = async (path) => JSON.parse((await anteroom.ask(`/client/v4/zones/all/${path}`, {
      host: "operator.localhost", headers: { Authorization: `Bearer ${TOKEN}` },
    })).body).result;
    const ids = Object.fromEntries((await api("waiting_rooms")).map(({ name, id }) => [name, id]));
    const live = (name) => api(`waiting_rooms/${ids[name]}/live`);
    const log = async (name) => (await api("waiting_room_changes")).filter(({ who, room_id }) => who === "anteroom" && room_id === ids[name]);
    const crowds = { test: undefined, revokes: "revokes.localhost" };
    const visitors = Object.entries(crowds).flatMap(([, host]) => Array.from({ length: CROWD }, () => [new Visitor(anteroom), host]));
    const all = () => Promise.all(visitors.map(([visitor, host]) => visitor.ask("/api", { host, headers: APP })));
    await until(async () => (await all()).every(({ headers }) => headers.anteroom === undefined), "all are inside");
    for (const name in crowds) assert.equal((await live(name)).pace_per_minute, LIMIT);
    const untilAll = (pace, what) => until(async () => {
      const answers = await all();
      assert.ok(answers.every(({ status }) => status === (anteroom.shop.unwell ? 500 : 200)), "it is the origin's answer");
      return (await Promise.all(Object.keys(crowds).map(live))).every(({ pace_per_minute: now }) => now === pace);
    }, what, 110_000);

    anteroom.shop.unwell = true;
    await untilAll(FLOOR, "the pace is lowered");
    for (const name in crowds) {
      const { origin, limit_per_minute: limit } = await live(name);
      assert.ok(limit === LIMIT && origin.errors > origin.sampled / 5, JSON.stringify(origin));
      const [lowered, ...others] = await log(name);
      assert.deepEqual([lowered.action, lowered.before, lowered.after.per_minute, others], ["lower the pace", { per_minute: LIMIT }, FLOOR, []]);
      // The first answers of the time that is judged were good ones yet.
      assert.ok(lowered.after.error_permille > 200, JSON.stringify(lowered));
      await anteroom.worker.evictDurableObject("ROOM", { name: ids[name] });
      assert.equal((await live(name)).pace_per_minute, FLOOR, "it is in storage");
    }

    anteroom.shop.unwell = false;
    await untilAll(LIMIT, "it is back at its limit");
    for (const name in crowds) {
      assert.deepEqual((await log(name)).map(({ action, after }) => [action, after.per_minute]), [["restore the pace", LIMIT], ["lower the pace", FLOOR]]);
    }
    assert.deepEqual((await live("plain")).origin, { sampled: 0, errors: 0, slow: 0 });
  });
});
