// The board's mirror, as pages see it in a real browser: what they say by it is what the server would have said, they ask the server wherever it cannot say, and
// whoever waits by it comes in, whatever becomes of it. The bucket is the runtime's, served by a host of its own, so that what browsers ask of CORS is asked here.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { filled } from "../workerd/filled.mjs";
import { Visitor, room, startAnteroom, until } from "../workerd/harness.mjs";
import { inaccessible, picture, startBrowser } from "./browser.mjs";

let browser;
before(async () => { browser = await startBrowser(); });
after(() => browser.close());

/** Somebody who listens, at a name of this machine. */
async function startHost(name, serve) {
  const server = createServer(serve);
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://${name}:${server.address().port}`,
    stop: () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }),
  };
}

/** As the bucket's own domain answers, with the rules of docs/mirror.md. */
const OPEN = { "Access-Control-Allow-Origin": "*", "Content-Type": "application/json", "Cache-Control": "public, max-age=1" };

describe("what is said by a mirrored board", () => {
  const written = (name) => readFileSync(new URL(`../../target/mirror/${name}`, import.meta.url), "utf8");
  const { moves, doubtful } = JSON.parse(written("vectors.json"));
  let site, mirror, said, lies, asked;
  before(async () => {
    mirror = await startHost("line.localhost", (_, answer) => answer.writeHead(200, OPEN).end(JSON.stringify(lies)));
    site = await startHost("shop.localhost", ({ url }, answer) => {
      if (url.startsWith("/.anteroom/wait")) {
        asked += 1;
        return answer.writeHead(200, { "Content-Type": "application/json", Anteroom: "waiting" }).end(JSON.stringify(said));
      }
      const there = url.endsWith(".html");
      answer.writeHead(there ? 200 : 404, { "Content-Type": "text/html; charset=utf-8" }).end(there ? filled(`=\n\n${written(url.slice(1).replace(/html$/, "json"))}`).slice(2) : "");
    });
  });
  after(() => Promise.all([site.stop(), mirror.stop()]));

  /** A page that notes for how long it goes to sleep, and sleeps on. */
  async function open(lang, isHidden = false) {
    const context = await browser.newContext({ locale: "en" }), page = await context.newPage();
    await page.addInitScript((isHidden) => {
      const { setTimeout: real } = globalThis;
      globalThis.sleeps = [];
      // Patience with a question is none of them.
      globalThis.setTimeout = (task, ms) => (task.name === "ask" ? globalThis.sleeps.push(ms) : real(task, ms));
      if (isHidden) Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
    }, isHidden);
    await page.goto(`${site.url}/page.${lang}.html`);
    return { page, close: () => context.close() };
  }

  /** Somebody looks at it: what it shows then, and when it asks next. */
  async function look(page) {
    return page.evaluate(async () => {
      const before = globalThis.sleeps.length;
      dispatchEvent(new Event("online"));
      while (globalThis.sleeps.length === before) await new Promise((resolve) => requestAnimationFrame(resolve));
      const text = (id) => document.getElementById(id).textContent, bar = document.getElementById("progress");
      return {
        sleeps: globalThis.sleeps[before], state: document.body.dataset.state, heading: text("heading"), next: text("next"), title: document.title,
        place: text("place"), ahead: text("ahead"), wait: text("wait"), aheadLabel: text("aheadLabel"), waitLabel: text("waitLabel"), progress: bar.hasAttribute("value") ? bar.value : null,
      };
    });
  }

  const onPort = (told) => ({ ...told, mirror: { ...told.mirror, url: `${mirror.url}/board.json` } });

  for (const isHidden of [false, true]) {
    for (const lang of isHidden ? ["en"] : ["en", "ms", "zh-Hans", "ta", "ar"]) {
      test(`is what the server would say: ${lang}${isHidden ? ", where nobody looks" : ""}`, { timeout: 240_000 }, async () => {
        const mine = moves.filter((move) => move.lang === lang);
        assert.ok(mine.length >= 30);
        const { page, close } = await open(lang, isHidden);
        for (const { before: told, mirrored, says } of mine) {
          // The page asks the server first, as it does when it was just opened.
          [said, lies, asked] = [onPort(told), mirrored, 0];
          await page.reload();
          const first = await look(page);
          assert.deepEqual([asked, first.sleeps], [1, isHidden ? told.hiddenPollAfterMs : told.pollAfterMs]);
          const seen = await look(page), { spoken: _, progress, ...words } = says.display;
          assert.equal(asked, 1, "the server was not asked again");
          const { sleeps, progress: bar, state, ...shown } = seen;
          assert.deepEqual({ state, ...shown }, { state: says.state, ...words });
          // That board is seven seconds younger than the server's word of it, and not so much older than it.
          assert.ok(progress === null ? bar === null : Math.abs(bar - progress) <= 25, `${bar} is not ${progress}`);
          const least = isHidden ? says.hiddenPollAfterMs : says.pollAfterMs, [change] = mirrored.changes;
          const isNear = change && change.at_ms < mirrored.at_ms + 30_000, most = isNear ? least + 20_000 : least / 0.8;
          assert.ok(sleeps > least * 0.95 && sleeps < most * 1.05, `${sleeps} ms is not between ${least} and ${most}: ${JSON.stringify(mirrored)}`);
        }
        await close();
      });
    }
  }

  test("is nothing where there is any doubt: the server is asked", { timeout: 240_000 }, async () => {
    const { page, close } = await open("en");
    for (const board of doubtful.boards) {
      [said, lies, asked] = [onPort(doubtful.before), board, 0];
      await page.reload();
      const before = await look(page);
      assert.equal(asked, 1);
      const seen = await look(page);
      assert.equal(asked, 2, `it went by ${JSON.stringify(board)}`);
      assert.deepEqual({ ...seen, sleeps: 0 }, { ...before, sleeps: 0 });
    }
    await close();
  });
});

describe("somebody who waits by the mirror", () => {
  let anteroom, bucket, mirror, bearer, asks;
  /** What the bucket's domain does to whoever asks. */
  let way;
  const settings = (fields) => room({ total_active_users: 1, session_duration_seconds: 300, ...fields });
  before(async () => {
    mirror = await startHost("line.localhost", async (request, answer) => {
      asks.push(`${request.method} ${request.url} cookie=${request.headers.cookie ?? ""}`);
      await way(request, answer);
    });
    anteroom = await startAnteroom({ isMirrored: true, rooms: [settings({ board_mirror: mirror.url, page: { title: "Town clinic" } })] });
    bucket = (await anteroom.worker.getEnv()).MIRROR;
  });
  after(async () => {
    await anteroom.stop();
    await mirror.stop();
  });

  const fromBucket = async ({ url }, answer) => {
    const object = await bucket.get(url.slice(1));
    if (!object) return answer.writeHead(404, OPEN).end();
    const { cacheControl, contentType } = object.httpMetadata;
    answer.writeHead(200, { ...OPEN, "Cache-Control": cacheControl, "Content-Type": contentType }).end(await object.text());
  };

  /** A page in line behind somebody inside, and what it asks of the server from then on. */
  async function waits(how) {
    [way, asks] = [how, []];
    if (bearer) await bearer.leave();
    bearer = new Visitor(anteroom);
    await until(async () => {
      const state = await bearer.arrive();
      return state === "inside" || state === "your_turn";
    }, "the seat is free");
    await bearer.go();
    await bearer.go();
    const context = await browser.newContext({ locale: "en", viewport: { width: 320, height: 640 }, bypassCSP: false }), page = await context.newPage();
    const asked = [], problems = [];
    page.on("request", (request) => request.url().startsWith(anteroom.url.origin) && asked.push(request.url()));
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => /Content Security Policy/.test(message.text()) && problems.push(message.text()));
    await page.goto(`${anteroom.url}item/1`);
    await page.waitForSelector("body[data-state=waiting]");
    await until(() => asks.length > 0, "it asks the mirror");
    asked.length = 0;
    return { page, asked, problems, close: async () => { assert.deepEqual(problems, []); await context.close(); } };
  }

  const comesIn = async (page) => {
    await bearer.leave();
    bearer = undefined;
    await page.waitForSelector("#choose");
    await page.evaluate(() => fetch("/.anteroom/leave", { method: "POST" }));
  };

  test("asks it without a preflight or a cookie, does not ask the server until called, and comes in", { timeout: 240_000 }, async () => {
    const { page, asked, close } = await waits(fromBucket);
    const behind = new Visitor(anteroom);
    assert.equal(await behind.arrive(), "waiting");
    const before = asks.length;
    await until(() => asks.length >= before + 4, "it asks again and again");
    assert.deepEqual(asked, [], "the server was not asked");
    assert.ok(asks.every((ask) => /^GET \/[0-9a-f]{32}\.json cookie=$/.test(ask)), asks.join());
    assert.equal(await page.textContent("#place"), String((await anteroom.board()).called + 1));
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
      await page.screenshot({ path: picture(`mirrored.${colorScheme}`), fullPage: true });
    }
    await behind.leave();
    await comesIn(page);
    // Its turn and its claim are the server's to give.
    assert.ok(asked.length >= 2, asked.join());
    await close();
  });

  const garbage = (body, headers = OPEN) => (_, answer) => answer.writeHead(200, headers).end(body);
  const ways = {
    "is gone": (_, answer) => answer.writeHead(404, OPEN).end("not found"),
    "breaks off": ({ socket }) => socket.destroy(),
    "says nothing": () => {},
    "tells nonsense": garbage("<!doctype html><p>Sorry"),
    "opens to nobody": (request, answer) => fromBucket(request, { writeHead: (status, { "Access-Control-Allow-Origin": _, ...headers }) => answer.writeHead(status, headers) }),
    "has stood still": (() => {
      let stood;
      return async ({ url }, answer) => {
        stood ??= JSON.stringify({ ...JSON.parse(await (await bucket.get(url.slice(1))).text()), at_ms: Date.now() - 12_000 });
        answer.writeHead(200, OPEN).end(stood);
      };
    })(),
  };
  test("asks the server where it is dead, from the beginning or in the middle, and comes in", { timeout: 360_000 }, async () => {
    const { page, asked, close } = await waits(fromBucket);
    for (const [what, how] of Object.entries(ways)) {
      way = how;
      await page.reload();
      await until(() => asks.length > 0, `it asks a mirror that ${what}`);
      // First when it was opened, and then because of the mirror.
      await until(() => asked.filter((url) => url.includes("/.anteroom/wait")).length >= 2, `it asks the server when it ${what}`);
      assert.equal(await page.isVisible("#offline"), false, "nothing is wrong with the visitor's network");
      way = fromBucket;
      await page.reload();
      asks.length = 0;
      await until(() => asks.length >= 2, "it asks the mirror");
      asked.length = asks.length = 0;
    }
    way = ways["breaks off"];
    await until(() => asked.length >= 2, "it asks the server");
    const dead = asks.length;
    await until(() => asked.length >= 4, "it goes on");
    assert.equal(asks.length, dead, "what is dead is left alone for a while");
    await comesIn(page);
    await close();
  });
});

describe("a page of a room without a mirror", () => {
  test("is told of none, and may ask no other host", { timeout: 240_000 }, async (t) => {
    const anteroom = await startAnteroom({ rooms: [room({ total_active_users: 1, session_duration_seconds: 300 })] });
    t.after(() => anteroom.stop());
    const seat = new Visitor(anteroom);
    await seat.arrive();
    await seat.go();
    const context = await browser.newContext({ bypassCSP: true }), page = await context.newPage(), answers = [];
    page.on("response", (response) => answers.push(response));
    await page.goto(anteroom.url.href);
    await page.waitForSelector("body[data-state=waiting]");
    assert.match(answers[0].headers()["content-security-policy"], /connect-src 'self' ;/);
    const told = await page.evaluate(async () => (await fetch(document.body.dataset.waitPath, { headers: { Accept: "application/vnd.anteroom+json" } })).json());
    assert.deepEqual([told.state, told.mirror], ["waiting", undefined]);
    assert.ok(answers.every((answer) => answer.url().startsWith(anteroom.url.origin)));
    assert.deepEqual(await inaccessible(page), []);
    await context.close();
  });
});
