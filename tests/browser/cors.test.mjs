// A page that no room covers calls an API that one does: how a first morning failed. On two hosts, and on one, in a real browser.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { Visitor, room, startAnteroom, until } from "../workerd/harness.mjs";
import { startBrowser } from "./browser.mjs";

const client = readFileSync(new URL("../../docs/client.js", import.meta.url), "utf8");
const page = (api) => `<!doctype html><meta charset="utf-8"><title>Booking</title><link rel="icon" href="data:,"><p id="state"></p><p id="booked"></p>
<script>${client}
  const show = (id, text) => { document.getElementById(id).textContent = text; };
  const call = { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"day":1}' };
  let door;
  const waiting = (told, page) => { door = page; show("state", told.state + " " + told.place); };
  globalThis.ask = (path, init) => patientFetch("${api}" + path, init, waiting).then((answer) => answer.text()).then((text) => { show("booked", text || "nothing"); return text; });
  globalThis.book = () => ask("/book", call);
  globalThis.sendAway = () => location.assign(door);
</script>`;

const listen = (serve) => new Promise((resolve) => {
  const server = createServer({ keepAliveTimeout: 0 }, serve).listen(0, "127.0.0.1", () => resolve(server));
});

describe("a page in front of a covered API", () => {
  let browser, apps, origin, anteroom, api, app, own, calls, seat, accepted, failing = 0;
  const close = (server) => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); });
  before(async () => {
    browser = await startBrowser();
    apps = await listen((_, response) => response.setHeader("Content-Type", "text/html").end(page(api)));
    app = `http://app.shop.localhost:${apps.address().port}`;
    // The API opens what it answers itself; it has never heard of a waiting room.
    [calls, accepted] = [[], {}];
    origin = await listen(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      if (request.url === "/") return response.setHeader("Content-Type", "text/html").end(page(""));
      calls.push(`${request.method} ${request.url} ${body}`.trim());
      accepted[request.url] = request.headers.accept;
      // As the static page says it, which knows of no room and of no origin that it allows.
      if (failing-- > 0) return response.writeHead(503, { "Content-Type": "text/html", Anteroom: "unavailable" }).end("Sorry");
      response.setHeader("Access-Control-Allow-Origin", app).setHeader("Access-Control-Allow-Credentials", "true").end("booked");
    });
    const covered = room({ host: "api.shop.localhost", total_active_users: 1, session_duration_seconds: 300, allowed_origins: [app] });
    const beside = room({ name: "own", host: "own.shop.localhost", path: "/v1", total_active_users: 1, session_duration_seconds: 300 });
    anteroom = await startAnteroom({ rooms: [covered, beside], vars: { ORIGIN: `http://127.0.0.1:${origin.address().port}` } });
    api = `http://api.shop.localhost:${anteroom.url.port}`;
    own = `http://own.shop.localhost:${anteroom.url.port}`;
  });
  after(async () => {
    await browser.close();
    await anteroom.stop();
    await Promise.all([close(apps), close(origin)]);
  });

  /** Somebody has the only seat. */
  const takeTheSeat = async (host = "api.shop.localhost", below = "") => {
    seat = new Visitor({ ...anteroom, ask: (path, options) => anteroom.ask(below + path, { ...options, host }) });
    await until(async () => !(await seat.go()).headers.anteroom, "the seat is free");
    await seat.go();
    calls.length = 0;
    accepted = {};
  };

  /** Only a page of the API's own host may give a seat up. */
  const leave = async (page, at = api, below = "") => {
    await page.goto(`${at}/done`);
    assert.match(await page.evaluate(async (path) => (await fetch(path, { method: "POST" })).headers.get("Anteroom"), `${below}/.anteroom/leave`), /^left(;|$)/);
  };

  test("is told to wait, waits, and gets its answer, which the API sees asked for once", { timeout: 240_000 }, async () => {
    await takeTheSeat();
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${app}/`);
    await page.evaluate(() => { globalThis.book(); });
    await page.waitForFunction(() => document.getElementById("state").textContent.startsWith("waiting "));
    assert.deepEqual(calls, [], "neither the call nor its preflight came through");
    await seat.leave();
    await page.waitForFunction(() => document.getElementById("booked").textContent === "booked");
    assert.deepEqual(calls, ['POST /book {"day":1}']);
    await leave(page);
    await context.close();
  });

  test("may send its visitor to the waiting page, which brings them back with a seat", { timeout: 240_000 }, async () => {
    await takeTheSeat();
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${app}/?day=1`);
    await page.evaluate(() => { globalThis.book(); });
    await page.waitForFunction(() => document.getElementById("state").textContent.startsWith("waiting "));
    await page.evaluate(() => globalThis.sendAway());
    await page.waitForSelector("body[data-state=waiting]");
    assert.equal(new URL(page.url()).pathname, "/.anteroom/wait");
    await seat.leave();
    await page.waitForURL(`${app}/?day=1`);
    await page.evaluate(() => globalThis.book());
    assert.equal(await page.textContent("#booked"), "booked");
    assert.deepEqual(calls, ['POST /book {"day":1}']);
    await leave(page);
    await context.close();
  });

  test("of a foreign host learns nothing, and its call goes nowhere", { timeout: 240_000 }, async () => {
    const foreign = `http://evil.localhost:${apps.address().port}`;
    calls.length = 0;
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${foreign}/`);
    const learn = (path, init) => page.evaluate(async ([url, init]) => {
      const answer = await fetch(url, { credentials: "include", ...init }).catch((error) => error.name);
      return answer === "TypeError" ? answer : `${answer.status} ${answer.headers.get("Anteroom")}`;
    }, [`${api}${path}`, init]);
    assert.equal(await learn("/book", { headers: { Accept: "application/json" } }), "TypeError");
    assert.equal(await learn("/book", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" }), "TypeError");
    assert.equal(await learn("/.anteroom/wait?anteroom-claim=1", { headers: { Accept: "application/json" } }), "TypeError");
    assert.deepEqual(calls, []);
    await context.close();
  });

  test("on the API's own host waits as well, whatever its calls accept", { timeout: 240_000 }, async () => {
    await takeTheSeat("own.shop.localhost", "/v1");
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${own}/`);
    await page.evaluate(() => {
      const { ask } = globalThis;
      globalThis.both = Promise.all([ask("/v1/days"), ask("/v1/table", { headers: { Accept: "text/csv" } })]);
    });
    const said = (id) => page.textContent(`#${id}`);
    await until(async () => await said("booked") || (await said("state")).startsWith("waiting "), "they are answered, or wait");
    assert.equal(await said("booked"), "", "what the room says is not the API's answer");
    assert.deepEqual(calls, []);
    await seat.leave();
    assert.deepEqual(await page.evaluate(() => globalThis.both), ["booked", "booked"]);
    assert.deepEqual(calls.sort(), ["GET /v1/days", "GET /v1/table"]);
    assert.deepEqual(accepted, { "/v1/days": "application/json, */*", "/v1/table": "text/csv" });
    // Here a failure can be read, and says that the API was not asked.
    [failing, calls.length] = [1, 0];
    assert.equal(await page.evaluate(() => globalThis.ask("/v1/book", { method: "POST" })), "booked");
    assert.deepEqual(calls, ["POST /v1/book", "POST /v1/book"]);
    await leave(page, own, "/v1");
    await context.close();
  });

  test("asks again after a failure that no script may read, and only what changes nothing", { timeout: 240_000 }, async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${app}/`);
    // It pauses for no time at all, and says for how long it would.
    const asked = (fails, init) => {
      [failing, calls.length] = [fails, 0];
      return page.evaluate(async (init) => {
        const pauses = [], { setTimeout } = globalThis;
        globalThis.setTimeout = (done, ms) => setTimeout(done, 0, pauses.push(ms));
        document.getElementById("booked").textContent = "";
        const fault = await globalThis.ask("/days", init).then(() => "", ({ name }) => name);
        globalThis.setTimeout = setTimeout;
        return { fault, pauses, booked: document.getElementById("booked").textContent };
      }, init);
    };
    await page.evaluate(() => globalThis.ask("/days"));
    const once = await asked(1);
    assert.deepEqual([once.fault, once.booked, calls], ["", "booked", ["GET /days", "GET /days"]]);
    const never = await asked(100);
    assert.deepEqual([never.fault, calls.length], ["TypeError", 5], "in the end it is thrown as it is");
    assert.ok(never.pauses.length === 4 && never.pauses.every((ms, index) => ms >= 1_500 * 2 ** index && ms <= 2_500 * 2 ** index), String(never.pauses));
    assert.ok(never.pauses.some((ms, index) => ms !== 2_000 * 2 ** index), "browsers do not come back all at once");
    const written = await asked(1, { method: "POST", body: "day=1" });
    assert.deepEqual([written.fault, calls], ["TypeError", ["POST /days day=1"]], "it may have been done");
    failing = 0;
    await leave(page);
    await context.close();
  });

  test("may send a visitor without script, who comes back as well", { timeout: 240_000 }, async () => {
    await takeTheSeat();
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${api}/.anteroom/wait?to=${encodeURIComponent(`${app}/?day=2`)}`);
    await page.waitForSelector("body[data-state=waiting]");
    await seat.leave();
    await page.waitForURL(`${app}/?day=2`);
    await context.close();
  });
});
