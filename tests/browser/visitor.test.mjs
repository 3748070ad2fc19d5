// What a visitor lives through, in a real browser with real clicks; and how every state of the page looks.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { NAVIGATION, Visitor, room, startAnteroom, until } from "../workerd/harness.mjs";
import { picture, startBrowser } from "./browser.mjs";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
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

async function inaccessible(page) {
  await page.addScriptTag({ path: axe });
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
}

describe("a visitor", () => {
  let anteroom, seat;
  before(async () => { anteroom = await startAnteroom({ rooms: [room({ total_active_users: 1, session_duration_seconds: 60, page: page_settings })] }); });
  after(() => anteroom.stop());

  test("arrives, waits, gets in, uses the shop, leaves", { timeout: 90_000 }, async () => {
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
    await page.waitForSelector("#choose", { timeout: 30_000 });
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

  test("gives the place up with two clicks, and joins again", { timeout: 60_000 }, async () => {
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

  test("comes through without JavaScript", { timeout: 60_000 }, async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${anteroom.url}item/1`);
    await page.waitForSelector("body[data-state=waiting]", { timeout: 15_000 });
    assert.equal(new URL(page.url()).search, "", "the mark is taken off again");
    await seat.leave();
    await page.waitForSelector("#choose", { timeout: 40_000 });
    await context.close();
  });

  test("without cookies is told so, and not for ever", { timeout: 60_000 }, async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    // A browser that keeps no cookies: none ever reaches it.
    await page.route("**/*", async (route) => {
      const response = await route.fetch({ maxRedirects: 0 });
      const { "set-cookie": _, ...headers } = response.headers();
      await route.fulfill({ response, headers });
      await context.clearCookies();
    });
    const { issued } = await anteroom.board();
    await page.goto(anteroom.url.href);
    await page.waitForSelector("body[data-state=cookies_blocked]", { timeout: 30_000 });
    assert.equal((await anteroom.board()).issued, issued, "it took no rank");
    await context.close();
  });
});

describe("every state of the page", () => {
  let anteroom;
  before(async () => {
    const held = room({ name: "held", path: "/held", queue_all: true, page: page_settings });
    anteroom = await startAnteroom({ rooms: [room({ total_active_users: 1, session_duration_seconds: 300, page: page_settings }), held] });
    await takeTheSeat(anteroom);
  });
  after(() => anteroom.stop());

  for (const [language, direction] of [["en", "ltr"], ["ms", "ltr"], ["zh-CN", "ltr"], ["ta", "ltr"], ["ar", "rtl"]]) {
    test(`is accessible, fits 320 px, and stays below 14 KB compressed: ${language}`, { timeout: 90_000 }, async () => {
      for (const colorScheme of ["light", "dark"]) {
        const context = await browser.newContext({ locale: language, colorScheme, viewport: { width: 320, height: 640 }, bypassCSP: true });
        const page = await context.newPage();
        for (const [state, open] of [
          ["waiting", () => page.goto(anteroom.url.href)],
          ["held", () => page.goto(`${anteroom.url}held`)],
          ["left", async () => {
            await page.goto(anteroom.url.href);
            await page.waitForSelector("body[data-state=waiting]");
            await page.click("#leave > button");
            await page.click("#sure > button:not([type])");
          }],
        ]) {
          await open();
          await page.waitForSelector(`body[data-state=${state}]`);
          assert.equal(await page.getAttribute("html", "dir"), direction);
          assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320, `${state} is wider than the screen`);
          await page.screenshot({ path: picture(`${state}-${language}-${colorScheme}`), fullPage: true });
          assert.deepEqual(await inaccessible(page), [], `${state}, ${colorScheme}`);
        }
        await context.close();
      }
      const { gzipSync } = await import("node:zlib");
      const { body } = await anteroom.ask("/", { headers: { ...NAVIGATION, "Accept-Language": language } });
      const bytes = gzipSync(body, { level: 9 }).length;
      console.log(`# the page in ${language}: ${bytes} bytes compressed`);
      assert.ok(bytes <= 14_336, `${bytes} bytes`);
    });
  }
});
