// What a visitor lives through, in a real browser with real clicks.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Visitor, room, startAnteroom, until } from "../workerd/harness.mjs";
import { picture, startBrowser } from "./browser.mjs";

const page_settings = {
  title: "Town clinic", message: "Vaccines for everybody over 60. Please have your card ready.", home_url: "/about",
};

let browser;
before(async () => { browser = await startBrowser(); });
after(() => browser.close());

/** Takes the only seat, and keeps it until it is told to leave. */
async function takeTheSeat(anteroom) {
  const holder = new Visitor(anteroom);
  assert.equal(await holder.arrive(), "inside");
  await holder.go();
  return holder;
}

describe("a visitor", () => {
  let anteroom, seat;
  before(async () => { anteroom = await startAnteroom({ rooms: [room({ total_active_users: 1, session_duration_seconds: 300, page: page_settings })] }); });
  after(() => anteroom.stop());

  test("arrives, waits, gets in, uses the shop, leaves", { timeout: 240_000 }, async () => {
    seat = await takeTheSeat(anteroom);
    const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
    const page = await context.newPage();
    const problems = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => message.type() === "error" && !message.location().url.endsWith("/favicon.ico") && problems.push(message.text()));
    await page.goto(`${anteroom.url}item/2?from=mail`);
    await page.waitForSelector("body[data-state=waiting]");
    assert.equal(await page.textContent("#place"), "1");
    assert.equal(await page.textContent("#ahead"), "0 people");
    assert.match(await page.title(), /Ahead of you: 0 people · Town clinic/);
    await page.screenshot({ path: picture("waiting-390"), fullPage: true });
    await seat.leave();
    await page.waitForSelector("#choose");
    assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, "/item/2?from=mail");
    await page.click("#choose");
    await page.click("#confirm");
    await page.waitForSelector("#done");
    assert.equal(anteroom.shop.stats.purchases, 1);
    await page.click("#leave");
    await page.waitForSelector("body[data-state=left]");
    await page.screenshot({ path: picture("left-390"), fullPage: true });
    assert.deepEqual(problems, []);
    await context.close();
  });

  test("gives the place up with two clicks, and joins again", { timeout: 240_000 }, async () => {
    seat = new Visitor(anteroom);
    await until(async () => (await seat.arrive()) === "inside" || (await seat.stand())?.state === "your_turn", "the seat is free again");
    await seat.go();
    await seat.go();
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(anteroom.url.href);
    await page.waitForSelector("body[data-state=waiting]");
    await page.click("#leave > button");
    assert.equal(await page.isVisible("#sure"), true);
    assert.equal(await page.evaluate(() => document.activeElement.id), "stay");
    await page.keyboard.press("Enter");
    assert.equal(await page.isVisible("#sure"), false);
    const leave = async () => {
      await page.click("#leave > button");
      await page.click("#sure > button:not([type])");
      await page.waitForSelector("body[data-state=left]");
    };
    await leave();
    await page.click(".again");
    await page.waitForSelector("body[data-state=waiting]");
    await leave();
    await context.close();
  });

  test("comes through without JavaScript", { timeout: 240_000 }, async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${anteroom.url}item/1`);
    await page.waitForSelector("body[data-state=waiting]");
    assert.equal(new URL(page.url()).search, "", "the mark is taken off again");
    await seat.leave();
    await page.waitForSelector("#choose");
    await context.close();
  });

  test("without cookies is told so, and not for ever", { timeout: 240_000 }, async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const met = new Set();
    // A browser that keeps no cookies: none ever reaches it. What fetches here keeps them, and has forgotten them before the page can ask again.
    await page.route("**/*", async (route) => {
      const response = await route.fetch({ maxRedirects: 0, maxRetries: 3 });
      const { "set-cookie": _, anteroom: state, ...headers } = response.headers();
      if (state) met.add(state);
      await context.clearCookies();
      await route.fulfill({ response, headers: { ...headers, ...(state && { anteroom: state }) } });
    });
    await page.goto(anteroom.url.href);
    await page.waitForSelector("body[data-state=cookies_blocked]");
    assert.deepEqual([...met], ["joining", "cookies_blocked"], "it took no rank");
    // What is on its way yet, a picture for the tab say, is none of the page's any more.
    await page.unrouteAll({ behavior: "wait" });
    await context.close();
  });
});

describe("a visitor of a room that answers no apps", () => {
  let anteroom, context, page, asked;
  before(async () => {
    anteroom = await startAnteroom({ rooms: [room({ total_active_users: 1, session_duration_seconds: 300, json_response_enabled: false })] });
    context = await browser.newContext();
    page = await context.newPage();
    asked = [];
    page.on("response", (response) => {
      const who = response.headers().anteroom ? "anteroom" : "shop";
      asked.push(`${who} ${new URL(response.url()).pathname}`);
    });
  });
  after(async () => {
    await context.close();
    await anteroom.stop();
  });

  test("comes in all the same, and what was wanted is taken from the shop one time", { timeout: 240_000 }, async () => {
    const holder = await takeTheSeat(anteroom);
    await page.goto(`${anteroom.url}item/3`);
    await page.waitForSelector("body[data-state=waiting]");
    await holder.leave();
    await page.waitForSelector("#choose");
    // The page, joining, claiming, and then the one answer of the shop's.
    assert.deepEqual(asked.filter((what) => what.endsWith("/item/3")), [...Array(3).fill("anteroom /item/3"), "shop /item/3"]);
    await page.click("#choose");
    await page.click("#confirm");
    await page.click("#leave");
    await page.waitForSelector("body[data-state=left]");
  });

  test("is not forgotten when the network goes and comes", { timeout: 240_000 }, async () => {
    const holder = new Visitor(anteroom);
    await until(async () => !(await holder.go()).headers.anteroom, "the seat is free again");
    await holder.go();
    await page.goto(anteroom.url.href);
    await page.waitForSelector("body[data-state=waiting]");
    await context.setOffline(true);
    await page.waitForSelector("#offline:not([hidden])");
    await holder.leave();
    await context.setOffline(false);
    await page.waitForSelector("a[href^='/item/']");
  });
});
