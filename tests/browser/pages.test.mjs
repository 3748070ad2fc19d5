// How every state of the waiting page looks: accessible, narrow enough, light enough, in light and dark. tests/pages.rs
// writes what is said in them.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { filled } from "../workerd/filled.mjs";
import { inaccessible, picture, startBrowser } from "./browser.mjs";

let browser;
before(async () => { browser = await startBrowser(); });
after(() => browser.close());

describe("every state of the page, and a room that uses up all it may", () => {
  const pages = new URL("../../target/pages/", import.meta.url);
  const filledPage = (name) => filled(`=\n\n${readFileSync(new URL(name.replace(/html$/, "json"), pages), "utf8")}`).slice(2);
  const policy = readFileSync(new URL("content-security-policy", pages), "utf8");
  let server, url;
  before(async () => {
    // What tests/pages.rs wrote, filled and sent as the Worker does it.
    server = createServer(({ url: path }, answer) => {
      const there = path.endsWith(".html");
      answer.writeHead(there ? 200 : 404, { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy });
      answer.end(there ? filledPage(path.slice(1)) : "");
    });
    await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
    url = `http://127.0.0.1:${server.address().port}/`;
  });
  after(() => server.close());

  for (const [language, direction] of [["en", "ltr"], ["ms", "ltr"], ["zh-Hans", "ltr"], ["ta", "ltr"], ["ar", "rtl"]]) {
    test(`is accessible, fits 320 px, and stays below 14 KB compressed: ${language}`, { timeout: 240_000 }, async () => {
      const files = readdirSync(pages).filter((name) => name.endsWith(`.${language}.json`)).map((name) => name.replace(/json$/, "html"));
      assert.equal(files.length, 17);
      const context = await browser.newContext({ viewport: { width: 320, height: 640 }, bypassCSP: true });
      const page = await context.newPage();
      for (const name of files) {
        const bytes = gzipSync(filledPage(name), { level: 9 }).length;
        assert.ok(bytes <= 14_336, `${name}: ${bytes} bytes`);
        for (const colorScheme of ["light", "dark"]) {
          await page.emulateMedia({ colorScheme });
          await page.goto(url + name);
          assert.equal(await page.getAttribute("html", "dir"), direction);
          assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320, `${name} is wider than the screen`);
          await page.screenshot({ path: picture(`${name.slice(0, -5)}.${colorScheme}`), fullPage: true });
          assert.deepEqual(await inaccessible(page), [], `${name}, ${colorScheme}`);
        }
      }
      await context.close();
    });
  }

  test("runs under its own policy", async () => {
    const page = await browser.newPage();
    const problems = [];
    page.on("console", (message) => message.type() === "error" && !message.location().url.endsWith("/favicon.ico") && problems.push(message.text()));
    await page.goto(`${url}full.waiting.en.html`);
    await page.click("#leave > button");
    assert.equal(await page.isVisible("#sure"), true, "the script runs");
    assert.deepEqual(problems, []);
    await page.close();
  });
});
