// Bypass rules, by Cloudflare's own SDK, and then as visitors live them: who is exempt sees no room at all.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import Cloudflare from "cloudflare";
import { NAVIGATION, room, startAnteroom, until } from "./harness.mjs";

const TOKEN = "0123456789abcdef0123456789abcdef";
const zone_id = "023e105f4ecef8ad9ca31a8372d0c353";
const action = "bypass_waiting_room";
const rule = (expression, more = {}) => ({ action, expression, ...more });

describe("bypass rules", () => {
  let anteroom, client, id;
  const rules = () => client.waitingRooms.rules;
  const all = async (page) => (await page).result;
  const list = () => all(rules().get(id, { zone_id }));
  const add = (expression, more) => all(rules().create(id, { zone_id, rules: rule(expression, more) }));
  const replace = (...those) => all(rules().update(id, { zone_id, rules: those }));
  const edit = (which, fields) => all(rules().edit(which, { zone_id, waiting_room_id: id, ...fields }));
  const remove = (which) => all(rules().delete(which, { zone_id, waiting_room_id: id }));
  const attempt = (body) => client.post(`/zones/${zone_id}/waiting_rooms/${id}/rules/try`, { body });
  const expressions = (those) => those.map(({ expression }) => expression);
  const refused = async (promise) => (await promise.then(() => ({ errors: [] }), (error) => error)).errors.map(({ message }) => message);
  const changes = async () => (await client.get(`/zones/${zone_id}/waiting_room_changes`)).result;
  before(async () => {
    anteroom = await startAnteroom({ rooms: [room({ queue_all: true })], vars: { OPERATOR_HOST: "127.0.0.1" }, secrets: { OPERATOR_TOKENS: `ada:${TOKEN}` } });
    client = new Cloudflare({ apiToken: TOKEN, maxRetries: 0, baseURL: `http://127.0.0.1:${anteroom.url.port}/client/v4` });
    [{ id }] = (await client.waitingRooms.list({ zone_id })).result;
  });
  after(() => anteroom.stop());

  test("are added behind each other, listed, and have Cloudflare's fields", async () => {
    assert.deepEqual(await list(), []);
    const [first] = await add("ssl");
    assert.match(first.id, /^[0-9a-f]{32}$/);
    assert.ok(Math.abs(Date.parse(first.last_updated) - Date.now()) < 60_000, first.last_updated);
    assert.deepEqual({ ...first, id: "", last_updated: "" }, { id: "", action, description: "", enabled: true, expression: "ssl", last_updated: "", version: "1" });
    assert.deepEqual(expressions(await add("not ssl", { description: "the other way round", enabled: false })), ["ssl", "not ssl"]);
    const listed = [];
    for await (const one of rules().get(id, { zone_id })) listed.push(one);
    assert.deepEqual(listed, await list());
    assert.deepEqual([listed[1].description, listed[1].enabled], ["the other way round", false]);
  });

  test("are edited one by one, and keep what is not said", async () => {
    const [first, second] = await list();
    const [, edited] = await edit(second.id, rule("ssl or not ssl"));
    assert.deepEqual([edited.id, edited.version, edited.enabled, edited.description], [second.id, "2", false, "the other way round"]);
    const patch = (which, body) => client.patch(`/zones/${zone_id}/waiting_rooms/${id}/rules/${which}`, { body });
    const { result } = await patch(second.id, { enabled: true });
    assert.deepEqual([result[1].enabled, result[1].expression, result[1].version], [true, "ssl or not ssl", "3"]);
    assert.deepEqual(result[0], first);
    assert.deepEqual(expressions(await remove(first.id)), ["ssl or not ssl"]);
    assert.deepEqual(await remove(second.id), []);
  });

  test("are replaced all at once, and moved to where they are wanted", async () => {
    const paths = ["a", "b", "c", "d"].map((name) => `http.request.uri.path eq "/${name}"`);
    const placed = await replace(...paths.map((path) => rule(path)));
    assert.equal(new Set(placed.map(({ id }) => id)).size, 4);
    const [a, b, c, d] = placed.map(({ id }) => id);
    const order = (those) => those.map(({ id }) => "abcd"[[a, b, c, d].indexOf(id)]).join("");
    const move = async (which, position) => order(await edit(which, { ...rule(paths[[a, b, c, d].indexOf(which)]), position }));
    assert.equal(await move(d, { index: 1 }), "dabc");
    assert.equal(await move(d, { index: 4 }), "abcd");
    assert.equal(await move(a, { after: b }), "bacd");
    assert.equal(await move(c, { before: b }), "cbad");
    assert.equal(await move(a, { before: "" }), "acbd");
    assert.equal(await move(a, { after: "" }), "cbda");
    assert.equal(await move(a, undefined), "cbda");
    for (const position of [{ index: 0 }, { index: 5 }, { before: a }, { after: "nobody" }, {}]) {
      assert.match((await refused(edit(a, { ...rule(paths[0]), position })))[0], /^`position`: must be/);
    }
    assert.equal(order(await list()), "cbda");
    assert.deepEqual(await replace(), []);
  });

  test("that are wrong are refused with every fault, its place and its character, and nothing is changed", async () => {
    await replace(rule("ssl"));
    const faults = await refused(replace(rule("ssl"), rule("http.host eq"), { action: "log", expression: "cf.threat_score lt 5", colour: 1 }));
    assert.equal(faults.length, 4);
    assert.match(faults[0], /^`rules\[1\]\.expression`: at character 13/);
    assert.ok(faults.some((fault) => /^`rules\[2\]\.expression`: at character 1, `cf\.threat_score`: no field/.test(fault)), faults);
    assert.ok(faults.some((fault) => /^`rules\[2\]\.action`: must be `bypass_waiting_room`/.test(fault)), faults);
    assert.ok(faults.some((fault) => /^`rules\[2\]\.colour`/.test(fault)), faults);
    assert.match((await refused(add("ssl", { enabled: "yes" })))[0], /^`enabled`: must be true or false/);
    assert.match((await refused(add("x".repeat(4_097))))[0], /^`expression`: must be a text of at most 4096 bytes/);
    assert.match((await refused(client.post(`/zones/${zone_id}/waiting_rooms/${id}/rules`, { body: { action } })))[0], /^`expression`/);
    assert.match((await refused(replace(...Array(65).fill(rule("ssl")))))[0], /^`rules`: there may be 64/);
    assert.match((await refused(client.put(`/zones/${zone_id}/waiting_rooms/${id}/rules`, { body: { rules: [] } })))[0], /^`rules`: must be a list/);
    assert.deepEqual(expressions(await list()), ["ssl"]);
    await replace(...Array(64).fill(rule("ssl")));
    assert.match((await refused(add("ssl")))[0], /^`rules`: there may be 64/);
    await replace();
  });

  test("that are not there are missing, and other methods are refused", async () => {
    await assert.rejects(remove("0".repeat(32)), Cloudflare.NotFoundError);
    await assert.rejects(edit("0".repeat(32), rule("ssl")), Cloudflare.NotFoundError);
    await assert.rejects(rules().get("0".repeat(32), { zone_id }), Cloudflare.NotFoundError);
    await assert.rejects(client.delete(`/zones/${zone_id}/waiting_rooms/${id}/rules`), (error) => error.status === 405);
  });

  test("are logged with who changed what", async () => {
    const [made] = await add("ssl");
    await edit(made.id, rule("not ssl"));
    const [newest] = await changes();
    assert.deepEqual([newest.who, newest.action, newest.before[made.id].expression, newest.after[made.id].expression], ["ada", "edit rules", "ssl", "not ssl"]);
    await replace();
    assert.deepEqual([(await changes())[0].before[made.id].expression, (await changes())[0].after], ["not ssl", {}]);
    // All new settings of the room leave its rules alone.
    await add("ssl");
    await client.waitingRooms.update(id, { zone_id, ...room({ queue_all: true, description: "other" }) });
    assert.deepEqual(expressions(await list()), ["ssl"]);
    await replace();
  });

  test("say of a request which of them exempts it", async () => {
    const [, , staff] = await replace(
      rule('http.request.uri.path eq "/health"', { enabled: false }),
      rule('http.request.method eq "POST" and http.request.uri.path eq "/hook"'),
      rule('ip.src in {192.0.2.0/24} or any(http.request.headers["x-staff"][*] eq "1") or ip.src.country eq "GR"'),
    );
    const url = "http://localhost/health";
    const exempt = async (body) => (await attempt({ url, ...body })).result;
    assert.deepEqual(await exempt({}), { bypasses: false, rule: null });
    assert.deepEqual(await exempt({ ip: "192.0.2.7" }), { bypasses: true, rule: staff });
    assert.deepEqual([(await exempt({ headers: { "x-staff": "1" } })).bypasses, (await exempt({ country: "GR" })).bypasses, (await exempt({ headers: { ":country": "GR" } })).bypasses], [true, true, false]);
    assert.equal((await exempt({ url: "http://localhost/hook", method: "POST" })).rule.expression.slice(0, 12), "http.request");
    assert.equal((await exempt({ url: "http://localhost/.anteroom/wait", ip: "192.0.2.7" })).bypasses, false);
    assert.deepEqual(await exempt({ expression: 'ends_with(http.request.uri.path, "th")' }), { bypasses: true, rule: null });
    assert.equal((await exempt({ expression: "ssl" })).bypasses, false);
    assert.match((await refused(exempt({ expression: "http.host matches" })))[0], /^`expression`: at character 11, `matches`: there are no regular/);
    assert.match((await refused(exempt({ url: "/health" })))[0], /^`url`: must be a whole address/);
    await replace();
  });

  test("let by at the edge whom they exempt, without a cookie and without a seat", { timeout: 240_000 }, async () => {
    await replace(
      rule('http.request.uri.path eq "/health"'),
      rule('http.request.method eq "POST" and starts_with(http.request.uri.path, "/hook")'),
      rule('http.user_agent contains "Pingdom"'),
      rule('any(http.request.cookies["staff"][*] eq "yes")'),
      rule('ip.src.country eq "GR" or ip.src in {192.0.2.0/24}'),
    );
    const ask = (path, headers = {}, method = "GET") => anteroom.ask(path, { method, headers: { ...NAVIGATION, ...headers } });
    const passes = async (...asked) => {
      const { headers } = await ask(...asked);
      return !headers.anteroom && !headers["set-cookie"]?.some((line) => line.includes("anteroom"));
    };
    await until(() => passes("/health"), "the edge has heard");
    assert.ok(!(await passes("/")) && !(await passes("/healthy")) && !(await passes("/x/..%2fhealth")));
    assert.ok((await passes("/hook/paid", {}, "POST")) && !(await passes("/hook/paid")));
    assert.ok(await passes("/item/1", { "User-Agent": "Mozilla/5.0 (Pingdom.com_bot)" }));
    assert.ok((await passes("/item/1", { Cookie: "a=b; staff=yes" })) && !(await passes("/item/1", { Cookie: "staff=yesno" })));
    // Nobody says of themselves from where they come, but the platform.
    for (const name of ["CF-IPCountry", "Country", "X-Country", "cf.country"]) assert.ok(!(await passes("/", { [name]: "GR" })), name);
    for (const name of ["X-Forwarded-For", "X-Real-IP", "True-Client-IP", "Forwarded"]) assert.ok(!(await passes("/", { [name]: "192.0.2.7" })), name);
    assert.ok(!(await passes("/.anteroom/wait", { "User-Agent": "Pingdom" })), "our own is ours");
    const preflight = await anteroom.ask("/hook", { method: "OPTIONS", headers: { Origin: "http://localhost", "Access-Control-Request-Method": "PUT", "User-Agent": "Pingdom" } });
    assert.ok(!preflight.headers.anteroom, "the origin's answer");
    const board = await anteroom.board();
    assert.deepEqual([board.issued, board.waiting], [0, 0]);
    const { result } = await client.get(`/zones/${zone_id}/waiting_rooms/${id}/live`);
    assert.equal(result.inside, 0);
    await replace(rule('http.request.uri.path eq "/health"', { enabled: false }));
    await until(async () => !(await passes("/health")), "the edge has heard");
  });
});
