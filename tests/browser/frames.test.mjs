// A covered shop in a frame of another site, in a browser that keeps no cookies of third parties: with partitioned cookies it works, and without them the page says
// why it does not.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { Visitor, startDevelopment } from "../workerd/harness.mjs";
import { startBrowser } from "./browser.mjs";

const TOKEN = "0123456789abcdef0123456789abcdef", OPERATORS = "operator.localhost";
/** Longer than a page waits that still hopes for a cookie: a second more with each time, and four at most. */
const QUIET_MS = 6_000;

describe("a shop in another site's frame", { concurrency: true, timeout: 240_000 }, () => {
  let browser, site, anteroom;
  before(async () => {
    browser = await startBrowser("--test-third-party-cookie-phaseout");
    site = createServer((request, response) => response.setHeader("Content-Type", "text/html").end(`<!doctype html><title>A page of another site</title>
      <iframe id="shop" width="400" height="700" src="https://${request.url.slice(1)}.localhost:${anteroom.url.port}/"></iframe>`)).listen(0, "127.0.0.1");
    await new Promise((resolve) => site.once("listening", resolve));
    anteroom = await startDevelopment({ protocol: "https", vars: { OPERATOR_HOST: OPERATORS, OPERATOR_TOKENS: `ada:${TOKEN}` } });
    await Promise.all([room("partitioned", { partitioned: true }), room("plain", {})]);
  });
  after(async () => {
    await browser.close();
    await anteroom.stop();
    site.closeAllConnections();
    site.close();
  });

  async function operate(method, path, body) {
    const answer = await anteroom.ask(`/client/v4/zones/z/waiting_rooms${path}`, { method, host: OPERATORS, headers: { Authorization: `Bearer ${TOKEN}` }, body: JSON.stringify(body) });
    assert.equal(answer.status, 200, answer.body);
    return JSON.parse(answer.body).result;
  }

  /** A room whose one seat is taken, so that the frame's visitor has to keep a cookie to get anywhere: its id, for it may be given another seat. */
  const ids = {};
  async function room(name, attributes) {
    const host = `${name}.localhost`;
    const { id } = await operate("POST", "", {
      name, host, total_active_users: 1, new_users_per_minute: 10_000, session_duration_seconds: 300, claim_window_seconds: 30,
      cookie_attributes: { samesite: "none", ...attributes }, allowed_origins: [`http://127.0.0.1:${site.address().port}`],
    });
    ids[name] = id;
    const holder = new Visitor({ ask: (path, options) => anteroom.ask(path, { ...options, host }) });
    assert.equal(await holder.arrive(), "inside");
    assert.equal((await holder.go()).headers.anteroom, undefined);
  }

  /** Opens the other site's page: its frame, and the addresses that the frame's site was asked for. */
  async function open(name) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true }), page = await context.newPage(), asked = [];
    page.on("request", (request) => { if (new URL(request.url()).hostname === `${name}.localhost`) asked.push(request.url()); });
    await page.goto(`http://127.0.0.1:${site.address().port}/${name}`);
    return { page, context, asked, frame: page.frames()[1] };
  }

  test("waits, keeps its place and gets in by partitioned cookies", async () => {
    const { context, frame } = await open("partitioned");
    await frame.waitForSelector("body[data-state=waiting]");
    assert.equal(await frame.textContent("#place"), "1");
    await operate("PATCH", `/${ids.partitioned}`, { total_active_users: 2 });
    await frame.waitForSelector("body:not([data-state])");
    await frame.goto(`https://partitioned.localhost:${anteroom.url.port}/item/1`);
    assert.equal(await frame.locator("body[data-state]").count(), 0, "inside it goes on");
    const cookies = (await context.cookies()).filter(({ name }) => name.startsWith("__Host-anteroom-"));
    assert.deepEqual(cookies.map(({ partitionKey }) => Boolean(partitionKey)), [true], "the one cookie is the frame's alone");
    await context.close();
  });

  test("says that cookies are blocked where they are not partitioned, and does not ask again", async () => {
    const { context, frame, asked } = await open("plain");
    await frame.waitForSelector("body[data-state=cookies_blocked]");
    const requests = asked.length;
    assert.ok(requests <= 8, asked.join("\n"));
    assert.equal(await frame.locator("meta[http-equiv]").count(), 0);
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    assert.deepEqual(asked.slice(requests), []);
    assert.deepEqual((await context.cookies()).filter(({ name }) => name.startsWith("__Host-anteroom-")), []);
    await context.close();
  });
});
