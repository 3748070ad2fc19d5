// A page that no room covers calls an API that one does: how a first morning failed. On two hosts, in a real browser.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { Visitor, room, startAnteroom, until } from "../workerd/harness.mjs";
import { startBrowser } from "./browser.mjs";

const client = readFileSync(new URL("../../docs/client.js", import.meta.url), "utf8");
const page = (api) => `<!doctype html><meta charset="utf-8"><title>Booking</title><p id="state"></p><p id="booked"></p>
<script>${client}
  const show = (id, text) => { document.getElementById(id).textContent = text; };
  const call = { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"day":1}' };
  let door;
  const waiting = (told, page) => { door = page; show("state", told.state + " " + told.place); };
  globalThis.book = () => patientFetch("${api}/book", call, waiting).then((answer) => answer.text()).then((text) => show("booked", text));
  globalThis.sendAway = () => location.assign(door);
</script>`;

const listen = (serve) => new Promise((resolve) => {
  const server = createServer(serve).listen(0, "127.0.0.1", () => resolve(server));
});

describe("a page in front of a covered API", () => {
  let browser, apps, origin, anteroom, api, app, calls, seat;
  const close = (server) => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); });
  before(async () => {
    browser = await startBrowser();
    apps = await listen((_, response) => response.setHeader("Content-Type", "text/html").end(page(api)));
    app = `http://app.shop.localhost:${apps.address().port}`;
    // The API opens what it answers itself; it has never heard of a waiting room.
    calls = [];
    origin = await listen(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      calls.push(`${request.method} ${request.url} ${body}`);
      response.setHeader("Access-Control-Allow-Origin", app).setHeader("Access-Control-Allow-Credentials", "true").end("booked");
    });
    const covered = room({ host: "api.shop.localhost", total_active_users: 1, session_duration_seconds: 60, allowed_origins: [app] });
    anteroom = await startAnteroom({ rooms: [covered], vars: { ORIGIN: `http://127.0.0.1:${origin.address().port}` } });
    api = `http://api.shop.localhost:${anteroom.url.port}`;
  });
  after(async () => {
    await browser.close();
    await anteroom.stop();
    await Promise.all([close(apps), close(origin)]);
  });

  /** Somebody has the only seat. */
  const takeTheSeat = async () => {
    seat = new Visitor({ ...anteroom, ask: (path, options) => anteroom.ask(path, { ...options, host: "api.shop.localhost" }) });
    await until(async () => !(await seat.go()).headers.anteroom, "the seat is free");
    await seat.go();
    calls.length = 0;
  };

  /** Only a page of the API's own host may give a seat up. */
  const leave = async (page) => {
    await page.goto(`${api}/done`);
    assert.equal(await page.evaluate(async () => (await fetch("/.anteroom/leave", { method: "POST" })).headers.get("Anteroom")), "left");
  };

  test("is told to wait, waits, and gets its answer, which the API sees asked for once", { timeout: 60_000 }, async () => {
    await takeTheSeat();
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${app}/`);
    await page.evaluate(() => { globalThis.book(); });
    await page.waitForFunction(() => document.getElementById("state").textContent.startsWith("waiting "));
    assert.deepEqual(calls, [], "neither the call nor its preflight came through");
    await seat.leave();
    await page.waitForFunction(() => document.getElementById("booked").textContent === "booked", undefined, { timeout: 30_000 });
    assert.deepEqual(calls, ['POST /book {"day":1}']);
    await leave(page);
    await context.close();
  });

  test("may send its visitor to the waiting page, which brings them back with a seat", { timeout: 90_000 }, async () => {
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
    await page.waitForURL(`${app}/?day=1`, { timeout: 30_000 });
    await page.evaluate(() => globalThis.book());
    assert.equal(await page.textContent("#booked"), "booked");
    assert.deepEqual(calls, ['POST /book {"day":1}']);
    await leave(page);
    await context.close();
  });

  test("of a foreign host learns nothing, and its call goes nowhere", { timeout: 60_000 }, async () => {
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

  test("may send a visitor without script, who comes back as well", { timeout: 150_000 }, async () => {
    await takeTheSeat();
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${api}/.anteroom/wait?to=${encodeURIComponent(`${app}/?day=2`)}`);
    await page.waitForSelector("body[data-state=waiting]", { timeout: 30_000 });
    await seat.leave();
    await page.waitForURL(`${app}/?day=2`, { timeout: 60_000 });
    await context.close();
  });
});
