// The operator's page of a room that follows its origin: what it says while fewer are let in, in light and dark, on a phone too. That the room slows down, and what the API
// says then, is tests/workerd/health.test.mjs's; here its word is altered on the way.
import assert from "node:assert/strict";
import { test } from "node:test";
import { room, startAnteroom } from "../workerd/harness.mjs";
import { inaccessible, picture, startBrowser } from "./browser.mjs";

const TOKEN = "0123456789abcdef0123456789abcdef";
const LIMIT = 1_200, LOW = 300;

test("an operator sees that fewer are let in, by how much and why, and when that is over", { timeout: 240_000 }, async (t) => {
  const browser = await startBrowser();
  t.after(() => browser.close());
  const shop = room({ name: "clinic", new_users_per_minute: LIMIT, session_duration_seconds: 300, origin_health: { new_users_per_minute_min: 60 } });
  const anteroom = await startAnteroom({ rooms: [shop], secrets: { OPERATOR_TOKENS: `ada:${TOKEN}` } });
  t.after(() => anteroom.stop());
  const page = await (await browser.newContext({ viewport: { width: 1000, height: 800 }, bypassCSP: true })).newPage();
  await page.addInitScript(([LIMIT, LOW]) => {
    const real = globalThis.fetch;
    globalThis.unwell = { pace_per_minute: LOW, origin: { sampled: 200, errors: 61, slow: 24 } };
    globalThis.fetch = async (...asked) => {
      const answer = await real(...asked), [url] = asked.map(String);
      if (!globalThis.unwell || !answer.ok || !/[/](live|waiting_room_changes)$/.test(url.split("?")[0])) return answer;
      const told = await answer.json(), [known] = [told.result].flat(), lowered = {
        ...known, at_ms: Date.now(), who: "anteroom", action: "lower the pace", before: { per_minute: LIMIT }, after: { per_minute: LOW, error_permille: 305, slow_permille: 120 },
      };
      return Response.json({ ...told, result: url.includes("/live") ? { ...told.result, ...globalThis.unwell } : [lowered, ...told.result] });
    };
  }, [LIMIT, LOW]);
  await page.goto(`http://operator.localhost:${anteroom.url.port}/`);
  await page.fill("#token", TOKEN);
  await page.click("button");
  await page.waitForSelector(".slowed:not(:empty)");
  assert.equal(await page.textContent(".slowed"), "Fewer are let in: the origin is not well.");
  assert.equal(await page.textContent(".slowed-by"), "Lowered to 300 of 1,200 per minute: 31 % errors, 12 % late.");
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1000, 320]) {
      await page.setViewportSize({ width, height: 800 });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= width, `wider than ${width}`);
      await page.screenshot({ path: picture(`operator-origin-${width}-${colorScheme}`), fullPage: true });
      assert.deepEqual(await inaccessible(page), [], `${colorScheme}, ${width}`);
    }
  }
  await page.evaluate(() => { globalThis.unwell = undefined; });
  await page.waitForSelector(".slowed:empty", { state: "attached" });
  assert.equal(await page.isVisible(".slowed-by"), false);
});
