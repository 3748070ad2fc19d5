// Scheduled events, by Cloudflare's own SDK and then as visitors live them: gathering, the draw that anybody can recompute, the start by the edge's
// own clock; the other ways of queueing; and sessions that the origin or the operator ends.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import Cloudflare from "cloudflare";
import { APP, NAVIGATION, Visitor, room, startAnteroom, until } from "./harness.mjs";

const TOKEN = "0123456789abcdef0123456789abcdef";
const zone_id = "023e105f4ecef8ad9ca31a8372d0c353";
const noon = { name: "noon", event_start_time: "2030-01-01T12:00:00Z", event_end_time: "2030-01-01T13:00:00Z" };
const WEEK_MS = 7 * 24 * 3_600_000;
const later = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();

/** A room, Cloudflare's SDK for its operator, and the phase its edge sees. */
async function start(fields) {
  const anteroom = await startAnteroom({ rooms: [room(fields)], vars: { OPERATOR_HOST: "127.0.0.1" }, secrets: { OPERATOR_TOKENS: `ada:${TOKEN}` } });
  const client = new Cloudflare({ apiToken: TOKEN, maxRetries: 0, baseURL: `http://127.0.0.1:${anteroom.url.port}/client/v4` });
  const [{ id }] = (await client.waitingRooms.list({ zone_id })).result;
  const edit = (fields) => client.patch(`/zones/${zone_id}/waiting_rooms/${id}`, { body: fields });
  const end = (body) => client.post(`/zones/${zone_id}/waiting_rooms/${id}/end_sessions`, { body });
  const phase = (wanted) => until(async () => (await anteroom.board()).phase === wanted, `the room is ${wanted}`);
  return { anteroom, client, id, edit, end, phase, events: client.waitingRooms.events };
}

describe("events by the official SDK", () => {
  let anteroom, client, id, events, event;
  const refused = async (promise) => (await promise.then(() => ({ errors: [] }), (error) => error)).errors.map(({ message }) => message);
  before(async () => { ({ anteroom, client, id, events } = await start()); });
  after(() => anteroom.stop());

  test("are created, read, listed, edited and replaced", async () => {
    const made = await events.create(id, { zone_id, ...noon, prequeue_start_time: "2030-01-01T11:30:00Z", shuffle_at_event_start: true, total_active_users: 7 });
    assert.match(made.id, /^[0-9a-f]{32}$/);
    assert.deepEqual([made.event_start_time, made.queueing_method, made.suspended], ["2030-01-01T12:00:00.000Z", null, false]);
    event = { zone_id, waiting_room_id: id };
    assert.equal((await events.get(made.id, event)).name, "noon");
    const listed = [];
    for await (const one of events.list(id, { zone_id })) listed.push(one.id);
    assert.deepEqual(listed, [made.id]);
    const edited = await events.edit(made.id, { ...event, ...noon, session_duration: 3 });
    assert.deepEqual([edited.total_active_users, edited.session_duration], [7, 3]);
    const replaced = await events.update(made.id, { ...event, ...noon, prequeue_start_time: "2030-01-01T11:00:00Z" });
    assert.deepEqual([replaced.total_active_users, replaced.session_duration, replaced.shuffle_at_event_start], [null, null, false]);
    event.id = made.id;
  });

  test("tell what they inherit, and their room tells the next one", async () => {
    const details = await events.details.get(event.id, event);
    assert.deepEqual([details.total_active_users, details.queueing_method, details.session_duration], [50, "fifo", 1]);
    const told = await client.waitingRooms.get(id, { zone_id });
    assert.deepEqual([told.next_event_prequeue_start_time, told.next_event_start_time], ["2030-01-01T11:00:00.000Z", "2030-01-01T12:00:00.000Z"]);
    // All new settings of the room leave its events alone.
    await client.waitingRooms.update(id, { zone_id, ...room({ description: "other" }) });
    assert.equal((await events.get(event.id, event)).name, "noon");
  });

  test("that meet others are refused with the other named, repeating ones too, by their own clock", async () => {
    const daily = { name: "daily", event_start_time: "2029-07-01T13:30:00+03:00", event_end_time: "2029-07-01T15:00:00+03:00", repeat: "daily" };
    const [clash] = await refused(events.create(id, { zone_id, ...daily, time_zone: "UTC" }));
    assert.match(clash, /overlaps the event `noon`, which is held from 2030-01-01T11:00/);
    // Of summer's 13:30 in Athens, 10:30 in UTC, winter's is 11:30.
    const [zoned] = await refused(events.create(id, { zone_id, ...daily, time_zone: "Europe/Athens" }));
    assert.match(zoned, /overlaps the event `noon`/);
    const summer = { ...daily, event_start_time: "2029-07-01T12:00:00+03:00", event_end_time: "2029-07-01T12:59:00+03:00" };
    await events.create(id, { zone_id, ...summer, time_zone: "Europe/Athens" });
    // London's clock is put back a week before New York's: one hour follows the other in June, and they meet in October.
    const hour = (name, from, time_zone) => ({ name, event_start_time: `2031-06-02T${from}:00:00Z`, event_end_time: `2031-06-02T${from + 1}:00:00Z`, repeat: "daily", time_zone });
    await events.create(id, { zone_id, ...hour("london", 15, "Europe/London") });
    const [apart] = await refused(events.create(id, { zone_id, ...hour("new-york", 16, "America/New_York") }));
    assert.match(apart, /overlaps the event `london`, which is held from 2031-10-26T16:00/);
    const [itself] = await refused(events.create(id, { zone_id, ...daily, event_start_time: "2029-06-30T14:00:00+03:00" }));
    assert.match(itself, /`event_end_time`: must be at most 22 hours/);
    assert.deepEqual(await refused(events.create(id, { zone_id, ...noon })), ["`name`: another event of this room is called `noon`"]);
    assert.match((await refused(events.create(id, { zone_id, ...daily, name: "x", time_zone: "Atlantis/Capital" })))[0], /`time_zone`: must be/);
    const messages = await refused(events.create(id, { zone_id, name: "a b", event_start_time: "noon", event_end_time: "2030-01-01T13:00:00Z", total_active_users: 0 }));
    assert.deepEqual(messages.map((message) => /`(\w+)`/.exec(message)[1]).sort(), ["event_start_time", "name", "total_active_users"]);
  });

  test("are deleted, and are not there then", async () => {
    assert.equal((await events.delete(event.id, event)).id, event.id);
    await assert.rejects(events.get(event.id, event), Cloudflare.NotFoundError);
    await assert.rejects(events.edit(event.id, { ...event, ...noon }), Cloudflare.NotFoundError);
  });
});

describe("an event with a draw", () => {
  let anteroom, client, id, events, phase, early, visitors;
  const draws = async () => JSON.parse((await anteroom.ask("/.anteroom/draw")).body);
  before(async () => { ({ anteroom, client, id, events, phase } = await start({ total_active_users: 5, session_duration_seconds: 300 })); });
  after(() => anteroom.stop());

  test("gathers people who have no place yet, while those inside go on", { timeout: 240_000 }, async () => {
    early = new Visitor(anteroom);
    await early.go();
    assert.equal(await early.arrive(), "inside");
    const start = later(30);
    await events.create(id, { zone_id, name: "sale", prequeue_start_time: later(3), event_start_time: start, event_end_time: later(3_600), shuffle_at_event_start: true, repeat: "weekly", time_zone: "Asia/Singapore" });
    const seals = await until(async () => { const { seals } = await draws(); return seals.length && seals; }, "the draw is promised");
    assert.deepEqual(seals.map(({ start_ms }) => start_ms), [Date.parse(start), Date.parse(start) + WEEK_MS], "this week's, and the next");
    await phase("prequeue");
    visitors = Array.from({ length: 40 }, () => new Visitor(anteroom));
    for (const visitor of visitors) await visitor.go();
    const told = await Promise.all(visitors.map((visitor) => visitor.stand("/")));
    assert.deepEqual(new Set(told.map(({ state, place }) => `${state} ${place}`)), new Set(["prequeue null"]));
    const [{ isEventActive, isEventPrequeueing, shuffleAtEventStart, timeUntilEventStart }] = told;
    assert.deepEqual([isEventActive, isEventPrequeueing, shuffleAtEventStart, timeUntilEventStart], [true, true, true, 1]);
    assert.equal((await early.go()).headers.anteroom, undefined, "who was inside stays");
    assert.equal((await client.waitingRooms.statuses.get(id, { zone_id })).status, "event_prequeueing");
    visitors.promise = seals[0].commitment;
    visitors.start = start;
  });

  test("gives places at the start that anybody can recompute, and lets people in in their order", { timeout: 240_000 }, async () => {
    await phase("busy");
    await until(async () => (await draws()).draws.length > 0, "the draw is told");
    const { draws: [draw], seals } = await draws();
    const next = Date.parse(visitors.start) + WEEK_MS;
    assert.deepEqual([seals[0].start_ms, Date.parse((await client.waitingRooms.get(id, { zone_id })).next_event_start_time)], [next, next], "it comes again");
    assert.deepEqual([draw.count, draw.commitment], [40, visitors.promise]);
    const folder = mkdtempSync(join(tmpdir(), "anteroom-"));
    writeFileSync(join(folder, "draw.json"), JSON.stringify(await draws()));
    const verify = (...args) => execFileSync("python3", [fileURLToPath(new URL("../../tools/verify_draw.py", import.meta.url)), join(folder, "draw.json"), ...args]).toString();
    assert.match(verify(), /40/);
    const told = await Promise.all(visitors.map((visitor) => visitor.stand()));
    const places = told.map((one) => one.place - 1);
    assert.deepEqual([...places].sort((a, b) => a - b), Array.from({ length: 40 }, (_, index) => draw.first + index));
    // Who joined first has the lowest rank; Python says which place that is.
    const words = await Promise.all(visitors.slice(0, 3).map((visitor) => visitor.ask("/.anteroom/wait?to=/", { headers: { ...APP, Accept: "application/vnd.anteroom+json" } })));
    for (const [index, { body }] of words.entries()) {
      const { rank, place } = JSON.parse(body);
      assert.match(verify("--rank", String(rank)), new RegExp(`\\b${place - 1}\\b`), `visitor ${index}`);
    }
    rmSync(folder, { recursive: true });
    await until(async () => (await anteroom.board()).called >= draw.first + 4, "four are called");
    const { called } = await anteroom.board();
    for (const [index, visitor] of visitors.entries()) {
      const inside = !(await visitor.go()).headers.anteroom;
      assert.equal(inside, places[index] < called, `place ${places[index]} of ${called}`);
    }
  });
});

describe("ways of queueing", () => {
  let anteroom, edit, phase;
  before(async () => { ({ anteroom, edit, phase } = await start({ total_active_users: 2, session_duration_seconds: 300 })); });
  after(() => anteroom.stop());

  test("reject shows newcomers a page that stays, keeps who is in line, and fifo goes on in order", { timeout: 240_000 }, async () => {
    const inside = [new Visitor(anteroom), new Visitor(anteroom)];
    for (const one of inside) {
      await one.arrive();
      await until(async () => !(await one.go()).headers.anteroom, "inside");
    }
    const waiting = new Visitor(anteroom);
    await waiting.go();
    const { place } = await until(async () => { const told = await waiting.stand("/"); return told?.place && told; }, "in line");
    await edit({ queueing_method: "reject" });
    await phase("reject");
    const page = await new Visitor(anteroom).go();
    assert.deepEqual([page.headers.anteroom, page.body.includes("http-equiv=\"refresh\""), page.headers["set-cookie"]], ["closed", false, undefined]);
    assert.deepEqual((await waiting.stand()).state, "held");
    assert.equal((await inside[0].go()).headers.anteroom, undefined);
    await edit({ queueing_method: "fifo" });
    await phase("busy");
    assert.equal((await waiting.stand()).place, place);
  });

  test("passthrough holds nobody, and counts", { timeout: 240_000 }, async () => {
    await edit({ queueing_method: "passthrough" });
    await phase("passthrough");
    const crowd = Array.from({ length: 10 }, () => new Visitor(anteroom));
    for (const one of crowd) assert.equal((await one.go()).headers.anteroom, undefined);
    assert.ok(crowd.some(({ jar }) => [...jar.keys()].some((name) => name.startsWith("anteroom-"))), "who is counted keeps a pass");
  });

  test("random draws among all who wait, and tells no place", { timeout: 240_000 }, async () => {
    await edit({ queueing_method: "random", total_active_users: 30 });
    await phase("busy");
    const people = Array.from({ length: 6 }, () => new Visitor(anteroom));
    for (const one of people) await one.go();
    const told = await Promise.all(people.map((one) => one.stand("/")));
    for (const one of told.filter(Boolean)) assert.ok(["drawing", "your_turn"].includes(one.state), one.state);
    const states = async () => (await Promise.all(people.map((one) => one.stand()))).map((one) => one?.state ?? "inside");
    await until(async () => (await states()).every((state) => state === "your_turn" || state === "admitted"), "all have won", 180_000);
    for (const one of people) assert.equal((await one.go()).headers.anteroom, undefined);
  });
});

describe("sessions that are ended", () => {
  let anteroom, edit, end;
  const session = async (visitor) => (await visitor.stand()).session;
  before(async () => { ({ anteroom, edit, end } = await start({ session_duration_seconds: 300 })); });
  after(() => anteroom.stop());

  test("by the origin, only where the room listens", { timeout: 240_000 }, async () => {
    const visitor = new Visitor(anteroom);
    assert.equal(await visitor.arrive(), "inside");
    const bye = (path) => visitor.ask(path, { method: "POST", headers: { ...NAVIGATION, "Sec-Fetch-Site": "same-origin" } });
    assert.equal((await bye("/bye")).headers["anteroom-command"], "revoke");
    assert.ok(await session(visitor), "the room does not listen");
    await edit({ enabled_origin_commands: ["revoke"] });
    await until(async () => (await bye("/bye")).headers["anteroom-command"] === undefined, "the room listens");
    assert.equal(visitor.jar.size, 0);
    for (const path of ["/bye", "/bye?cf"]) {
      const other = new Visitor(anteroom);
      assert.equal(await other.arrive(), "inside");
      const copy = new Visitor(anteroom);
      for (const [name, value] of other.jar) if (name.startsWith("anteroom-")) copy.jar.set(name, value);
      assert.ok(await session(copy));
      const answer = await other.ask(path, { method: "POST", headers: { ...NAVIGATION, "Sec-Fetch-Site": "same-origin" } });
      assert.deepEqual([answer.status, answer.headers["cf-waiting-room-command"]], [200, undefined]);
      await until(async () => !(await session(copy)), `a copied pass opens nothing after ${path}`);
    }
    // Whoever has no session to end does not see the command either.
    await edit({ suspended: true });
    const nobody = () => new Visitor(anteroom).ask("/bye", { method: "POST", headers: { ...NAVIGATION, "Sec-Fetch-Site": "same-origin" } });
    // An edge that takes it for open yet has them in, by a seat that their region has in hand.
    await until(async () => (await anteroom.board()).phase === "suspended", "the room is off");
    const { status, headers } = await nobody();
    assert.deepEqual([status, headers["anteroom-command"], headers["set-cookie"]?.some((line) => line.startsWith("anteroom-"))], [200, undefined, false]);
    await edit({ suspended: false });
    await until(async () => (await anteroom.board()).phase !== "suspended", "the room is on again");
  });

  test("by the operator, one or all, and the line stays", { timeout: 240_000 }, async () => {
    const [one, other] = [new Visitor(anteroom), new Visitor(anteroom)];
    for (const visitor of [one, other]) assert.equal(await visitor.arrive(), "inside");
    const named = await session(one);
    assert.match(named, /^\d+\.\d+$/);
    assert.deepEqual((await end({ session: named })).result, { ended: true });
    assert.deepEqual((await end({ session: named })).result, { ended: false });
    await until(async () => !(await session(one)), "the one is out");
    assert.ok(await session(other));
    assert.deepEqual((await end({ all: true })).result, { ended: true });
    await until(async () => !(await session(other)), "all are out");
    await assert.rejects(end({}), Cloudflare.BadRequestError);
  });
});
