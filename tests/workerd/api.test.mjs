// The operator's API, asked by Cloudflare's own SDK with nothing but another base address.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import Cloudflare from "cloudflare";
import { NAVIGATION, Visitor, room, startAnteroom, until } from "./harness.mjs";

const TOKEN = "0123456789abcdef0123456789abcdef";
const zone = { zone_id: "023e105f4ecef8ad9ca31a8372d0c353" };
const settings = { name: "sale", host: "shop.example.com", path: "/sale", total_active_users: 300, new_users_per_minute: 200 };

describe("the official SDK", () => {
  let anteroom, client;
  const sdk = (apiToken) => new Cloudflare({ apiToken, maxRetries: 0, baseURL: `http://127.0.0.1:${anteroom.url.port}/client/v4` });
  const rooms = () => client.waitingRooms;
  before(async () => {
    anteroom = await startAnteroom({ vars: { OPERATOR_HOST: "127.0.0.1" }, secrets: { OPERATOR_TOKENS: `ada:${TOKEN}` } });
    client = sdk(TOKEN);
  });
  after(() => anteroom.stop());

  test("lists, creates, reads, edits, replaces, asks the status of, and deletes rooms", async () => {
    const seeded = [];
    for await (const one of rooms().list(zone)) seeded.push(one);
    assert.deepEqual(seeded.map(({ name }) => name), ["test"]);

    const created = await rooms().create({ ...zone, ...settings });
    assert.match(created.id, /^[0-9a-f]{32}$/);
    assert.deepEqual([created.session_duration, created.queueing_method, created.suspended], [5, "fifo", false]);
    assert.equal((await rooms().get(created.id, zone)).host, "shop.example.com");

    const edited = await rooms().edit(created.id, { ...zone, ...settings, total_active_users: 17 });
    assert.deepEqual([edited.total_active_users, edited.new_users_per_minute], [17, 200]);
    const replaced = await rooms().update(created.id, { ...zone, ...settings, session_duration: 7 });
    assert.deepEqual([replaced.total_active_users, replaced.session_duration], [300, 7]);

    const status = await rooms().statuses.get(created.id, zone);
    assert.deepEqual(status, { status: "not_queueing", event_id: "", estimated_queued_users: 0, estimated_total_active_users: 0, max_estimated_time_minutes: 0 });

    assert.equal((await rooms().delete(created.id, zone)).id, created.id);
    await assert.rejects(rooms().get(created.id, zone), Cloudflare.NotFoundError);
  });

  test("pages through many rooms", async () => {
    const ids = [];
    for (let index = 0; index < 7; index++) ids.push((await rooms().create({ ...zone, ...settings, name: `r${index}`, path: `/r${index}` })).id);
    const first = await rooms().list({ ...zone, per_page: 5 });
    assert.equal(first.result.length, 5);
    const names = new Set();
    for await (const one of rooms().list({ ...zone, per_page: 5 })) names.add(one.name);
    assert.equal(names.size, 8);
    for (const id of ids) await rooms().delete(id, zone);
  });

  test("hears of every fault at once, and nothing was changed", async () => {
    const refused = await rooms().create({ ...zone, name: "a b", host: "https://x", total_active_users: 0, new_users_per_minute: 1, queueing_method: "lottery" }).catch((error) => error);
    assert.ok(refused instanceof Cloudflare.BadRequestError);
    const messages = refused.errors.map(({ message }) => message).sort();
    assert.equal(messages.length, 4);
    assert.match(messages[0], /^`host`: must be a host name/);
    const clash = await rooms().create({ ...zone, ...room(), name: "another" }).catch((error) => error);
    assert.match(clash.errors[0].message, /`host`: localhost\/ belongs to the room `test`/);
    assert.equal((await rooms().list(zone)).result.length, 1);
  });

  test("is refused with another token, and after ten attempts asked to come back later", async () => {
    const stranger = sdk("x".repeat(32));
    for (let attempt = 0; attempt < 10; attempt++) await assert.rejects(stranger.waitingRooms.list(zone), Cloudflare.AuthenticationError);
    await assert.rejects(stranger.waitingRooms.list(zone), Cloudflare.RateLimitError);
    assert.equal((await rooms().list(zone)).result.length, 1, "the right token still works");
  });

  test("flips the switches, and the edge follows", { timeout: 240_000 }, async () => {
    const [{ id }] = (await rooms().list(zone)).result;
    const change = (fields) => rooms().edit(id, { ...zone, ...fields });
    await anteroom.ask("/", { headers: NAVIGATION });
    await change({ queue_all: true });
    const started = Date.now();
    await until(async () => (await new Visitor(anteroom).arrive()) === "held", "everybody is held", 12_000);
    assert.ok(Date.now() - started <= 12_000);
    await change({ queue_all: false, suspended: true });
    await until(async () => !(await anteroom.ask("/", { headers: NAVIGATION })).headers["set-cookie"]?.some((line) => line.startsWith("anteroom")), "the room is off", 12_000);
    assert.equal((await rooms().statuses.get(id, zone)).status, "suspended");
    await change({ suspended: false });

    const log = await anteroom.ask(`/client/v4/zones/z/waiting_room_changes`, { host: "127.0.0.1", headers: { Authorization: `Bearer ${TOKEN}` } });
    const [newest] = JSON.parse(log.body).result;
    assert.deepEqual([newest.who, newest.action, newest.before, newest.after], ["ada", "edit", { suspended: true }, { suspended: false }]);
  });

  test("refuses a body that is too long, however long it is", { timeout: 240_000 }, async () => {
    const headers = { Authorization: `Bearer ${TOKEN}`, "Transfer-Encoding": "chunked" };
    for (const length of [65_537, 20_000_000]) {
      const answer = await anteroom.ask("/client/v4/zones/z/waiting_rooms", { method: "POST", host: "127.0.0.1", headers, body: Buffer.alloc(length, " ") });
      assert.deepEqual([answer.status, JSON.parse(answer.body).errors[0].message], [413, "the body is longer than 64 KiB"]);
    }
    assert.equal((await rooms().list(zone)).result.length, 1);
  });

  test("the operator's host answers nothing else, and no other host answers operators", async () => {
    const headers = { Authorization: `Bearer ${TOKEN}` };
    for (const path of ["/item/1", "/.anteroom/board", "/sign-in"]) assert.equal((await anteroom.ask(path, { host: "127.0.0.1", headers })).status, 404, path);
    const elsewhere = await anteroom.ask("/client/v4/zones/z/waiting_rooms", { headers: { ...headers, ...NAVIGATION } });
    assert.doesNotMatch(elsewhere.body, /"success"/);
  });
});
