// A real browser for the tests: the system's Chromium, or Playwright's own.
import { existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const known = [process.env.CHROME_BIN, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];
const pictures = fileURLToPath(new URL("../../target/pictures/", import.meta.url));
mkdirSync(pictures, { recursive: true });
export const picture = (name) => `${pictures}${name}.png`;

/** What a page waits for comes within this, also where a seat is free after twenty seconds and the machine is slow. */
const PATIENCE_MS = 90_000;

/** Starts it without a sandbox of its own (a container's root has none) and without calls home; with more of its switches, if any are named. */
export async function startBrowser(...switches) {
  const browser = await chromium.launch({
    executablePath: known.find((path) => path && existsSync(path)),
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", ...switches],
  });
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await newContext(options);
    context.setDefaultTimeout(PATIENCE_MS);
    return context;
  };
  return browser;
}

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** What axe-core finds wrong with the page as it is now; the context must bypass its policy. */
export async function inaccessible(page) {
  await page.addScriptTag({ path: axe });
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
}
