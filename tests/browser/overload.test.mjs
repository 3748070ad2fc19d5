// The waiting page where too many join, in a real browser: it stays, asks as seldom as it is told, and comes into the line once that is over. How long it is told to stay
// away, and that it is longer each time, tests/overload.rs holds; here nobody waits for that.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { anteroom, startFaulty } from "../workerd/faulty.mjs";
import { Visitor, room, until } from "../workerd/harness.mjs";
import { picture, startBrowser } from "./browser.mjs";

const LINE = "line.localhost", OVERLOADED = { faults: { "edge>LOBBY": "overloaded" } };
/** More often than a page asks that looks for its cookie before it asks for another one of itself. */
const ROUNDS = 12;

let browser, faulty, line;
before(async () => {
  browser = await startBrowser();
  faulty = await startFaulty([anteroom("overload", [room({ host: LINE, total_active_users: 1, session_duration_seconds: 300 })])]);
  line = faulty.at("overload", LINE);
  assert.equal(await new Visitor(line).arrive(), "inside");
});
after(() => Promise.all([browser.close(), faulty.stop()]));

/** A page that notes for how long it goes to sleep, and sleeps until it is woken. */
async function open() {
  const context = await browser.newContext({ viewport: { width: 320, height: 640 } }), page = await context.newPage(), asked = [];
  page.on("request", (request) => asked.push(request));
  await page.addInitScript(() => {
    const { setTimeout: real, clearTimeout: forget } = globalThis;
    let task = null;
    // Patience with a question is no sleep.
    globalThis.setTimeout = (next, ms) => (next.name === "ask" ? ((task = next), globalThis.sleeps.push(ms), -1) : real(next, ms));
    globalThis.clearTimeout = (timer) => (timer === -1 ? (task = null) : forget(timer));
    globalThis.sleeps = [];
    globalThis.wake = () => task?.();
  });
  await page.goto(line.url);
  const ours = () => asked.filter((request) => !request.url().endsWith("/favicon.ico"));
  const sleeps = (count) => until(() => page.evaluate((count) => sleeps.length >= count && sleeps, count), `it sleeps ${count} times`);
  return { page, ours, sleeps, navigations: () => ours().filter((request) => request.isNavigationRequest()).length, close: () => context.close() };
}

test("a page where too many join stays, asks once for each time it was told to, and comes into the line in the end", { timeout: 240_000 }, async () => {
  await line.switch(OVERLOADED);
  const { page, ours, sleeps, navigations, close } = await open();
  await sleeps(1);
  for (let round = 1; round <= ROUNDS; round += 1) {
    const answered = page.waitForResponse((answer) => answer.url().includes("anteroom-claim"));
    await page.evaluate(() => wake());
    const told = await (await answered).json(), all = await sleeps(round + 1);
    // Of the answer that brought it its cookie nothing is known yet of too many who join: that is for a lobby to say.
    assert.deepEqual([told.state, told.overloaded, all.at(-1)], ["joining", true, told.pollAfterMs]);
    assert.ok(told.pollAfterMs >= 2_000, `${told.pollAfterMs}`);
    // Looking at it does not hasten it.
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    assert.deepEqual([navigations(), ours().length, (await sleeps(0)).length], [1, 1 + round, round + 1]);
  }
  assert.equal(await page.textContent("h1"), "Very many people are joining");
  await page.screenshot({ path: picture("overloaded-320"), fullPage: true });
  await line.switch({ faults: {} });
  // What was told of too many holds for a moment.
  await until(() => page.evaluate(() => (wake(), document.body.dataset.state === "waiting")), "it is in line");
  assert.deepEqual([await page.textContent("#place"), navigations()], ["1", 1]);
  await close();
});

test("a page that joins among few looks for its cookie after a while, by asking for itself", { timeout: 240_000 }, async () => {
  const { page, sleeps, navigations, close } = await open();
  // None of its cookies comes back.
  const wake = () => page.context().clearCookies().then(() => page.evaluate(() => globalThis.wake()));
  for (let round = 1; round <= 3; round += 1) {
    const all = await sleeps(round);
    assert.ok(all.at(-1) >= 1_000 * Math.max(1, round - 1) && all.at(-1) < 2_000 * Math.max(1, round - 1), `${all}`);
    await wake();
  }
  await sleeps(4);
  assert.equal(navigations(), 1);
  await wake();
  await until(() => navigations() === 2, "it asks for itself");
  await close();
});
