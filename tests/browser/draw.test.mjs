// A draw, as somebody sees it who came before the start: the page that waits, counts nothing, and then recomputes its own place.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { room, startAnteroom, until } from "../workerd/harness.mjs";
import { inaccessible, picture, startBrowser } from "./browser.mjs";

const TOKEN = "0123456789abcdef0123456789abcdef";
const later = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();

describe("somebody who comes before the start", () => {
  let anteroom, browser;
  before(async () => {
    browser = await startBrowser();
    anteroom = await startAnteroom({ rooms: [room({ total_active_users: 1, session_duration_seconds: 300 })], secrets: { OPERATOR_TOKENS: `ada:${TOKEN}` } });
  });
  after(async () => {
    await browser.close();
    await anteroom.stop();
  });

  const operate = async (path, method, body) => JSON.parse((await anteroom.ask(`/client/v4/zones/z/waiting_rooms${path}`, {
    method, host: "operator.localhost", headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" }, body: JSON.stringify(body),
  })).body).result;

  /** As a room would tell it that drew by another seed than it promised. */
  const tampered = (page) => page.route("**/.anteroom/draw", async (route) => {
    const answer = await route.fetch({ maxRetries: 3 }), told = await answer.json();
    await route.fulfill({ response: answer, json: { ...told, draws: told.draws.map((draw) => ({ ...draw, seed: "5e".repeat(32) })) } });
  });
  const VERDICTS = ["verified", "recomputed", "unverified"];
  const verdicts = async (page) => (await Promise.all(VERDICTS.map(async (id) => (await page.isVisible(`#${id}`)) && id))).filter(Boolean);

  test("waits without a place, is drawn, and sees the draw checked on the own device", { timeout: 240_000 }, async () => {
    const [{ id }] = await operate("", "GET");
    await operate(`/${id}/events`, "POST", {
      name: "sale", prequeue_start_time: later(0), event_start_time: later(60), event_end_time: later(600), shuffle_at_event_start: true,
    });
    await until(async () => (await anteroom.board()).phase === "prequeue", "people are gathered", 30_000);
    const open = async () => (await browser.newContext({ locale: "en", viewport: { width: 320, height: 640 }, bypassCSP: true })).newPage();
    // One after the other: five browsers that start at once starve the server beside them on two cores.
    const people = [];
    while (people.length < 5) people.push(await open());
    const cheated = new Set(people.slice(3));
    for (const page of people) {
      if (cheated.has(page)) await tampered(page);
      await page.goto(`${anteroom.url}item/1`);
      await page.waitForSelector("body[data-state=prequeue]");
    }
    const [page] = people;
    assert.match(await page.textContent("#next"), /everybody has the same chance/);
    assert.deepEqual([await page.isVisible("#place"), await page.textContent("#waitLabel"), await page.isVisible("#progress")], [false, "Starts in", false]);
    await page.screenshot({ path: picture("draw.before"), fullPage: true });
    // One of them is called and taken to the shop, whatever its page said before; on the others the place is told, and checked.
    const called = await Promise.any(people.map((page) => page.waitForSelector("#choose").then(() => page)));
    const waiting = await Promise.all(people.filter((page) => page !== called).map(async (page) => {
      await page.waitForSelector("#verified:not([hidden]), #unverified:not([hidden])");
      return { page, place: await page.textContent("#place") };
    }));
    assert.equal(new Set(waiting.map(({ place }) => place)).size, waiting.length, "each has a place of their own");
    for (const { page } of waiting) assert.deepEqual(await verdicts(page), [cheated.has(page) ? "unverified" : "verified"]);
    const honest = waiting.map(({ page }) => page).filter((page) => !cheated.has(page));
    const shown = async (page, name) => {
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
        await page.screenshot({ path: picture(`draw.${name}.${colorScheme}`), fullPage: true });
        assert.deepEqual(await inaccessible(page), []);
      }
    };
    await shown(honest[0], "after");
    const [{ page: deceived }] = waiting.filter(({ page }) => cheated.has(page));
    assert.match(await deceived.textContent("#unverified"), /cannot confirm the draw.* tell the organiser/);
    await shown(deceived, "unverified");

    // A page that is opened after the start can recompute the place; of the promise it knows nothing. Whose place is that of their rank is told nothing: they
    // may not have been drawn.
    for (const page of honest) {
      await page.reload();
      const { rank, place } = await page.evaluate(async () => (await fetch(document.body.dataset.waitPath, { headers: { Accept: "application/vnd.anteroom+json" } })).json());
      if (place === rank + 1) continue;
      await page.waitForSelector("#recomputed:not([hidden])");
      assert.deepEqual(await verdicts(page), ["recomputed"]);
      await shown(page, "late");
      break;
    }
  });
});
