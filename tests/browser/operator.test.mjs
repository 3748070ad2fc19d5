// The operator's page in a real browser: signing in, watching the line, turning the switches; and the waiting page that
// follows.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Visitor, room, startAnteroom, until } from "../workerd/harness.mjs";
import { inaccessible, picture, startBrowser } from "./browser.mjs";

const TOKEN = "0123456789abcdef0123456789abcdef";
const shop = room({ name: "clinic", total_active_users: 10, session_duration_seconds: 300, page: { title: "Town clinic" } });

describe("an operator", () => {
  let anteroom, browser, context, page, desk;
  const told = (what) => page.waitForFunction((text) => document.querySelector(".told").textContent.includes(text), what);
  /** The only room's events, by the page's own session. */
  const asked = (method, path, body) => page.evaluate(async ([method, path, body]) => {
    const ask = async (path, options) => (await fetch(`/client/v4/zones/all/waiting_rooms${path}`, {
      ...options, headers: { "Anteroom-CSRF": document.body.dataset.csrf, "Content-Type": "application/json" },
    })).json();
    const { result: [room] } = await ask("", {});
    return (await ask(`/${room.id}/events${path}`, { method, body: body && JSON.stringify(body) })).result;
  }, [method, path, body]);
  before(async () => {
    browser = await startBrowser();
    anteroom = await startAnteroom({ rooms: [shop], secrets: { OPERATOR_TOKENS: `ada:${TOKEN}` } });
    desk = `http://operator.localhost:${anteroom.url.port}/`;
    context = await browser.newContext({ viewport: { width: 1000, height: 800 }, bypassCSP: true });
    page = await context.newPage();
  });
  after(async () => {
    await browser.close();
    await anteroom.stop();
  });

  test("signs in with the token and with nothing else", async () => {
    await page.goto(desk);
    assert.deepEqual(await inaccessible(page), []);
    await page.fill("#token", "wrong");
    await page.click("button");
    assert.match(await page.textContent("#refused"), /no operator's token/);
    await page.fill("#token", TOKEN);
    await page.click("button");
    await page.waitForSelector(".room h2");
    assert.equal(await page.textContent(".room h2"), "clinic");
    const [cookie] = await context.cookies(desk);
    assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);
    assert.ok(!cookie.value.includes(TOKEN));
  });

  test("flips the switch, and the waiting page follows", { timeout: 240_000 }, async () => {
    await page.click("[data-field=queue_all]");
    await told("every edge follows within 2 s");
    assert.equal(await page.getAttribute("[data-field=queue_all]", "aria-checked"), "true");
    const visitor = await (await browser.newContext({ locale: "en" })).newPage();
    await visitor.goto(`${anteroom.url}item/1`);
    await visitor.waitForSelector("body[data-state=held]");
    await page.fill("[name=message]", "Back at two o'clock.");
    await page.click(".limits button");
    await told("Saved");
    await visitor.reload();
    await until(async () => (await visitor.reload(), (await visitor.textContent("body")).includes("Back at two o'clock.")), "the message is there");
    await page.click("[data-field=queue_all]");
    await told("Saved");
    await visitor.waitForSelector("#choose");
  });

  test("is warned before a room that was off is switched on", { timeout: 240_000 }, async () => {
    const state = () => page.getAttribute("[data-field=suspended]", "aria-checked");
    await page.click("[data-field=suspended]");
    await until(async () => (await state()) === "false", "the room is off");
    await page.click("[data-field=suspended]");
    await page.click("dialog.on button.quiet");
    assert.equal(await state(), "false", "left off");
    await page.click("[data-field=suspended]");
    assert.match(await page.textContent("dialog.on"), /Nobody who is inside now has a pass/);
    assert.deepEqual(await inaccessible(page), []);
    await page.click("dialog.on button.quiet");
    // For one session everybody passes and is counted: an event, for which another one may leave no time.
    const day = 86_400_000;
    const other = { name: "fair", event_start_time: new Date(Date.now() - day).toISOString(), event_end_time: new Date(Date.now() + day).toISOString() };
    const { id } = await asked("POST", "", other);
    const count = async () => {
      await page.click("[data-field=suspended]");
      await page.click("dialog.on button[value=count]");
    };
    await count();
    await told("Nothing was changed: `event_start_time`: overlaps the event `fair`");
    assert.equal(await state(), "false", "left off");
    await asked("DELETE", `/${id}`);
    await count();
    await until(async () => (await state()) === "true", "the room is on");
    await until(async () => (await anteroom.board()).phase === "passthrough", "people are counted first");
    await page.click(".events summary");
    await page.waitForSelector(".events li");
    assert.match(await page.textContent(".events li"), /^switched-on-/);
    await page.click(".events li button[aria-label^=Delete]");
    await page.waitForFunction(() => document.querySelectorAll(".events li").length === 0);
    await until(async () => (await anteroom.board()).phase === "open", "the line begins");
  });

  test("says for an hour that nobody shall wait for a room which cannot be reached, and takes it back", { timeout: 240_000 }, async () => {
    const open = () => page.getAttribute("[data-field=fail_open_until]", "aria-checked");
    assert.equal(await open(), "false");
    await page.click("[data-field=fail_open_until]");
    assert.match(await page.textContent("dialog.open"), /without a limit/);
    assert.deepEqual(await inaccessible(page), []);
    await page.screenshot({ path: picture("operator-fail-open") });
    await page.click("dialog.open button[value=open]");
    await until(async () => (await open()) === "true", "it is on");
    await page.waitForFunction(() => /fail_open_until: null → "20/.test(document.getElementById("changes").textContent));
    await page.click("[data-field=fail_open_until]");
    await until(async () => (await open()) === "false", "it is off");
  });

  test("plans an event, is told what it would meet, changes it and deletes it", { timeout: 240_000 }, async () => {
    const said = (what) => page.waitForFunction((text) => document.querySelector(".events .told").textContent.includes(text), what);
    const fill = async (name, start, end) => {
      for (const [field, value] of Object.entries({ name, event_start_time: start, event_end_time: end })) await page.fill(`.event [name=${field}]`, value);
      await page.click(".event button:not([type])");
    };
    await page.fill(".event [name=prequeue_start_time]", "2030-01-01T11:30:00");
    await page.check(".event [name=shuffle_at_event_start]");
    await fill("noon", "2030-01-01T12:00:00", "2030-01-01T13:00:00");
    await said("noon is saved");
    assert.match(await page.textContent(".events li"), /noon: .* gathers people from .* and draws their places/);
    await fill("lunch", "2030-01-01T12:30:00", "2030-01-01T13:30:00");
    await said("overlaps the event `noon`");
    await page.click(".events li button[aria-label^=Change]");
    assert.deepEqual([await page.inputValue(".event [name=name]"), await page.isChecked(".event [name=shuffle_at_event_start]")], ["noon", true]);
    await page.selectOption(".event [name=queueing_method]", "random");
    await page.selectOption(".event [name=disable_session_renewal]", "true");
    await page.check(".event [name=suspended]");
    await page.fill(".event [name=description]", "Tickets of the fair");
    await page.click(".event button:not([type])");
    await page.waitForFunction(() => /noon, left out for now: .* Tickets of the fair/.test(document.querySelector(".events li").textContent));
    // Whoever changes one thing leaves the others as they are, those that the page does not show as well.
    await page.click(".events li button[aria-label^=Change]");
    await page.fill(".event [name=total_active_users]", "7");
    const [change] = await Promise.all([page.waitForRequest(/\/events\//), page.click(".event button:not([type])")]);
    assert.equal(change.method(), "PATCH");
    await until(async () => (await asked("GET", ""))[0].total_active_users === 7, "it is changed");
    const [{ suspended, description, disable_session_renewal, queueing_method }] = await asked("GET", "");
    assert.deepEqual([suspended, description, disable_session_renewal, queueing_method], [true, "Tickets of the fair", true, "random"]);
    await page.click(".events li button[aria-label^=Change]");
    assert.deepEqual(await inaccessible(page), []);
    for (const [width, colorScheme] of [[320, "light"], [320, "dark"], [1000, "dark"], [1000, "light"]]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= width, `wider than ${width}`);
      await page.screenshot({ path: picture(`operator-events-${width}-${colorScheme}`), fullPage: true });
    }
    await page.click(".events li button[aria-label^=Delete]");
    await said("noon is deleted");
    await page.click(".events summary");
  });

  test("ends sessions, after being asked", { timeout: 240_000 }, async () => {
    const visitor = new Visitor(anteroom);
    await until(async () => !(await visitor.go()).headers.anteroom, "inside");
    const { session } = await visitor.stand();
    await page.click(".sessions summary");
    await page.fill("[name=session]", "999.1");
    await page.click(".sessions button:not([type])");
    await page.waitForFunction(() => /no such session/.test(document.querySelector(".sessions .told").textContent));
    await page.fill("[name=session]", session);
    await page.click(".sessions button:not([type])");
    await page.waitForFunction((name) => document.querySelector(".sessions .told").textContent.includes(`Session ${name} is over`), session);
    await page.click(".sessions .all");
    await page.click("dialog.all button.quiet");
    assert.equal((await anteroom.board()).pass_epoch, 0, "left in");
    await page.click(".sessions .all");
    await page.click("dialog.all button[value=end]");
    await until(async () => (await anteroom.board()).pass_epoch === 1, "all are out");
    await page.click(".sessions summary");
  });

  test("is told every fault, and nothing is changed", async () => {
    await page.evaluate(() => document.querySelector(".limits").noValidate = true);
    await page.fill("[name=total_active_users]", "0");
    await page.fill("[name=session_duration_seconds]", "1");
    await page.click(".limits button");
    await told("Nothing was changed");
    const words = await page.textContent(".told");
    assert.ok(words.includes("total_active_users") && words.includes("session_duration_seconds"), words);
    await page.reload();
    await page.waitForSelector(".room h2");
    assert.equal(await page.inputValue("[name=total_active_users]"), "10");
  });

  test("sees who changed what, and the line as it stands; in light and dark, on a phone too", { timeout: 240_000 }, async () => {
    // Ten have seats, twelve wait.
    for (let index = 0; index < 22; index++) await new Visitor(anteroom).arrive();
    await until(async () => (await page.textContent("[data-live=waiting]")) !== "0", "somebody waits");
    await page.waitForFunction(() => document.querySelector("polyline.waiting").getAttribute("points").split(" ").length > 2);
    const changes = await page.textContent("#changes");
    assert.ok(changes.includes("ada") && changes.includes("queue_all: false → true"), changes);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      for (const width of [1000, 320]) {
        await page.setViewportSize({ width, height: 800 });
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= width, `wider than ${width}`);
        await page.screenshot({ path: picture(`operator-${width}-${colorScheme}`), fullPage: true });
        assert.deepEqual(await inaccessible(page), [], `${colorScheme}, ${width}`);
      }
    }
  });

  test("says who is exempt, in what order, and asks whom that would let by", { timeout: 240_000 }, async () => {
    const said = (what) => page.waitForFunction((text) => document.querySelector(".rules .told").textContent.includes(text), what);
    const listed = () => page.$$eval(".rules li > span", (rows) => rows.map((row) => row.textContent));
    const add = async (expression, description) => {
      await page.fill(".rule [name=expression]", expression);
      await page.fill(".rule [name=description]", description);
      await page.click(".rule button:not([type])");
    };
    const tried = async (url, method = "GET", ip = "") => {
      await page.fill(".try [name=url]", url);
      await page.selectOption(".try [name=method]", method);
      await page.fill(".try [name=ip]", ip);
      await page.click(".try button");
      await page.waitForFunction(() => document.querySelector(".tried").textContent);
      return page.textContent(".tried");
    };
    await page.click(".rules summary");
    await add('http.host eq "é" and cf.threat_score lt 5', "by a score");
    await page.waitForSelector(".rules .wrong:not([hidden])");
    assert.match(await page.textContent(".rules .wrong"), /^at character 22, `cf\.threat_score`: no field/);
    assert.deepEqual(await page.$eval(".rule [name=expression]", (field) => [field.getAttribute("aria-invalid"), field.selectionStart, field === document.activeElement]), ["true", 21, true]);
    assert.deepEqual(await inaccessible(page), []);
    await page.screenshot({ path: picture("operator-rules-fault") });
    await add('http.request.uri.path eq "/health"', "health check");
    await said("health check is saved");
    assert.equal(await page.isVisible(".rules .wrong"), false);
    await add('http.request.method eq "POST" and starts_with(http.request.uri.path, "/hook")', "payments");
    await said("payments is saved");
    await add("ip.src in {192.0.2.0/24 2001:db8::/32}", "");
    await said("ip.src in {192.0.2.0/24 2001:db8::/32} is saved");
    assert.deepEqual((await listed()).map((row) => row.slice(0, 10)), ["1. health ", "2. payment", "3. ip.src "]);
    assert.match(await tried("http://localhost/health"), /^Exempt, by this rule: health check/);
    assert.match(await tried("http://localhost/hook/paid", "POST"), /^Exempt, by this rule: payments/);
    assert.match(await tried("http://localhost/hook/paid"), /^Not exempt/);
    assert.match(await tried("http://localhost/item", "GET", "192.0.2.9"), /ip\.src in/);
    assert.match(await tried("http://localhost/x/../health"), /^Exempt/);
    // By the keyboard alone; the focus goes along.
    await page.focus(".rules li:nth-child(2) button[aria-label^=Up]");
    await page.keyboard.press("Enter");
    await said("payments is number 1 now");
    assert.match((await listed())[0], /^1\. payments/);
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Down: payments");
    await page.keyboard.press("Enter");
    await said("payments is number 2 now");
    await page.click(".rules li:nth-child(1) button[aria-label^='Switch off']");
    await said("health check is off");
    assert.match((await listed())[0], /switched off/);
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Switch on");
    assert.match(await tried("http://localhost/health"), /^Not exempt/);
    await page.click(".rules li:nth-child(1) button[aria-label^=Change]");
    assert.deepEqual([await page.inputValue(".rule [name=expression]"), await page.isChecked(".rule [name=enabled]")], ['http.request.uri.path eq "/health"', false]);
    await page.check(".rule [name=enabled]");
    await page.click(".rule button:not([type])");
    await said("health check is saved");
    assert.match(await tried("http://localhost/health"), /^Exempt/);
    await page.waitForFunction(() => /rule “health check”: enabled: false → true/.test(document.getElementById("changes").textContent));
    assert.match(await page.textContent("#changes"), /rule “payments”: moved.*new rule “payments”: http\.request\.method/s);
    for (const [width, colorScheme] of [[320, "light"], [320, "dark"], [1000, "dark"], [1000, "light"]]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= width, `wider than ${width}`);
      await page.screenshot({ path: picture(`operator-rules-${width}-${colorScheme}`), fullPage: true });
      assert.deepEqual(await inaccessible(page), [], `${colorScheme}, ${width}`);
    }
    for (let left = 3; left > 0; left -= 1) {
      await page.click(".rules li button[aria-label^=Delete]");
      await page.waitForFunction((left) => document.querySelectorAll(".rules li").length === left, left - 1);
    }
    await page.click(".rules summary");
  });

  test("hears that the origin is not well, once, and reads by how much and since when", { timeout: 240_000 }, async () => {
    const said = {
      inside: 1, called_held: 0, waiting: 0, admitted_last_minute: 1, longest_wait_ms: 0, phase: "open", waits_measured: 0, show_up_permille: 1_000, history: [],
      pace_per_minute: 500, limit_per_minute: 1_000, origin: { sampled: 50, errors: 6, slow: 2 },
    };
    const answering = (path, result) => page.route(path, (route) => route.fulfill({ json: { success: true, result } }));
    await answering("**/live", said);
    await answering("**/waiting_room_changes", [{
      at_ms: Date.now(), who: "anteroom", action: "lower the pace", room_id: "a room",
      before: { per_minute: 1_000 }, after: { per_minute: 500, error_permille: 120, slow_permille: 40 },
    }]);
    await page.waitForFunction(() => document.querySelector(".slowed-by:not([hidden])"));
    const aloud = await page.textContent(".slowed"), by = await page.textContent(".slowed-by");
    assert.deepEqual([aloud, by], ["Fewer are let in: the origin is not well.", "Lowered to 500 of 1,000 per minute: 12 % errors, 4 % late."]);
    // What is said aloud is said again only if it is something else.
    await page.evaluate(() => {
      window.spoken = 0;
      new MutationObserver(() => (window.spoken += 1)).observe(document.querySelector(".slowed"), { childList: true, characterData: true, subtree: true });
    });
    said.origin.errors = 12;
    await page.waitForFunction(() => document.querySelector(".slowed-by").textContent.includes("24 % errors"));
    assert.equal(await page.evaluate(() => window.spoken), 0);
    assert.deepEqual(await inaccessible(page), []);
    await page.waitForFunction(() => document.querySelector("#changes").textContent.includes("lower the pace to 500 of 1,000 per minute: 12 % errors, 4 % late"));
    said.pace_per_minute = 1_000;
    await page.waitForFunction(() => document.querySelector(".slowed-by[hidden]"));
    assert.equal(await page.textContent(".slowed"), "");
    await page.unrouteAll({ behavior: "wait" });
  });

  test("who has no secret of the session changes nothing, and signing out ends it", async () => {
    const path = `${desk}client/v4/zones/all/waiting_rooms`;
    const status = (headers) => page.evaluate(async ([url, headers]) => (await fetch(url, { headers })).status, [path, headers]);
    assert.equal(await status({}), 401);
    assert.equal(await status({ "Anteroom-CSRF": "00".repeat(16) }), 401);
    assert.equal(await status({ "Anteroom-CSRF": await page.evaluate(() => document.body.dataset.csrf) }), 200);
    await page.click("header button");
    await page.waitForSelector("#token");
    assert.deepEqual(await context.cookies(desk), []);
  });
});

test("a deployment without its secrets says what is missing, on the operator's host alone", async () => {
  const anteroom = await startAnteroom({ secrets: { KEY_CURRENT: "short" } });
  const said = (await anteroom.ask("/", { host: "operator.localhost" })).body;
  const shown = (await anteroom.ask("/")).body;
  await anteroom.stop();
  assert.ok(said.includes("KEY_CURRENT") && said.includes("OPERATOR_TOKENS"), said);
  assert.ok(!shown.includes("KEY_CURRENT"));
});
