// Forms: what somebody wrote while their session ran out is not lost, and is sent once; and a bank's return finds its pass.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { Visitor, room, startAnteroom, startDevelopment, until } from "../workerd/harness.mjs";
import { picture, startBrowser } from "./browser.mjs";

const TOKEN = "t".repeat(40);
let browser;
before(async () => { browser = await startBrowser(); });
after(() => browser.close());

describe("a form that is sent after the session is over", () => {
  let anteroom, context, page, holder;
  before(async () => {
    anteroom = await startAnteroom({ rooms: [room({ total_active_users: 1, session_duration_seconds: 10, disable_session_renewal: true, page: { title: "Town clinic" } })] });
  });
  after(() => anteroom.stop());

  /** Somebody is about to confirm, their session ends, and another one has the seat. */
  const loseTheSeat = async (options) => {
    context = await browser.newContext({ viewport: { width: 320, height: 800 }, ...options });
    page = await context.newPage();
    // Where the seat is not free yet, the page waits for it and comes in by itself.
    await page.goto(`${anteroom.url}checkout`);
    await page.waitForSelector("#confirm");
    holder = new Visitor(anteroom);
    await until(async () => !(await holder.go()).headers.anteroom, "the session is over", 40_000);
    anteroom.shop.reset();
    await page.click("#confirm");
  };

  test("waits with its page, is sent again by a button, and arrives once", { timeout: 240_000 }, async () => {
    await loseTheSeat();
    await page.waitForSelector("body[data-state=waiting]");
    assert.equal(await page.isVisible("#held"), true);
    assert.equal(await page.isVisible(".again"), false, "nothing leads away from the form");
    await page.screenshot({ path: picture("form-waits-320"), fullPage: true });
    await holder.leave();
    await page.waitForSelector("#send:visible");
    assert.equal(await page.evaluate(() => document.activeElement.id), "heading", "no key sends it by accident");
    assert.equal(await page.textContent("h1"), "You can send your form now");
    await page.screenshot({ path: picture("form-ready-320"), fullPage: true });
    assert.equal(anteroom.shop.stats.purchases, 0, "it goes nowhere by itself");
    await page.click("#send");
    await page.waitForSelector("#done");
    assert.equal(anteroom.shop.stats.purchases, 1);
    await context.close();
  });

  test("says in words what to do where no script runs", { timeout: 240_000 }, async () => {
    await loseTheSeat({ javaScriptEnabled: false, colorScheme: "dark" });
    await page.waitForSelector("body[data-state=form_held]");
    assert.equal(await page.isVisible("#form"), false);
    assert.match(await page.textContent("#next"), /send it again/);
    assert.equal(await page.locator("meta[http-equiv]").count(), 0, "it does not come back by itself");
    await page.screenshot({ path: picture("form-held-320-dark"), fullPage: true });
    await context.close();
  });
});

describe("a form that is sent after the pass has expired while nobody took the seat", () => {
  test("arrives at once, and its sender has the same seat again", { timeout: 240_000 }, async (t) => {
    const anteroom = await startAnteroom({ rooms: [room({ session_duration_seconds: 10 })], secrets: { OPERATOR_TOKENS: `ada:${TOKEN}` } });
    t.after(() => anteroom.stop());
    const api = async (path) => {
      const headers = { Authorization: `Bearer ${TOKEN}` };
      return JSON.parse((await anteroom.ask(`/client/v4/zones/any/waiting_rooms${path}`, { host: "operator.localhost", headers })).body).result;
    };
    const [{ id }] = await api("");
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${anteroom.url}checkout`);
    // A page of the origin may ask where its visitor stands: that prolongs nothing.
    const session = () => page.evaluate(async () => (await (await fetch("/.anteroom/wait", { headers: { Accept: "application/json" } })).json()).cfWaitingRoom.session);
    const before = await session();
    assert.match(before, /^\d+\.\d+$/);
    await until(async () => (await api(`/${id}/live`)).inside === 0, "the pass has expired", 60_000);
    assert.equal(await session(), undefined);
    await page.click("#confirm");
    await page.waitForSelector("#done");
    assert.equal(anteroom.shop.stats.purchases, 1);
    assert.deepEqual([await session(), (await api(`/${id}/live`)).inside], [before, 1]);
    await page.context().close();
  });
});

describe("a bank's return", () => {
  let anteroom, bank;
  before(async () => {
    anteroom = await startDevelopment({ protocol: "https" });
    // Of another site: the name is another, and so is the scheme.
    bank = createServer((_, response) => response.setHeader("Content-Type", "text/html")
      .end(`<form method="post" action="${anteroom.url}purchase"><button>Back to the shop</button></form>`)).listen(0, "127.0.0.1");
    await new Promise((resolve) => bank.once("listening", resolve));
  });
  after(async () => {
    await anteroom.stop();
    bank.closeAllConnections();
    bank.close();
  });

  test("by a POST from another site finds the pass of whoever paid", { timeout: 240_000 }, async () => {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(`${anteroom.url}checkout`);
    await page.waitForSelector("#confirm");
    const [cookie] = (await context.cookies()).filter(({ name }) => name.startsWith("__Host-anteroom-"));
    assert.deepEqual([cookie.sameSite, cookie.secure, cookie.httpOnly], ["None", true, true]);
    await page.goto(`http://127.0.0.1:${bank.address().port}/`);
    await page.click("button");
    await page.waitForSelector("#done");
    assert.equal(anteroom.shop.stats.purchases, 1);
    await context.close();
  });
});
