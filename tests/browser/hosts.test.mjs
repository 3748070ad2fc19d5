// One line for several hosts of a site: a place on one is a place on all, and another host of the site cannot take it away.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Visitor, room, startAnteroom } from "../workerd/harness.mjs";
import { startBrowser } from "./browser.mjs";

describe("a room on two hosts", () => {
  let browser, anteroom, at;
  before(async () => {
    browser = await startBrowser();
    const covered = room({
      host: "www.shop.localhost", additional_routes: [{ host: "pay.shop.localhost" }], cookie_attributes: { domain: "shop.localhost" }, total_active_users: 1,
      session_duration_seconds: 300,
    });
    anteroom = await startAnteroom({ rooms: [covered] });
    at = (name) => `http://${name}.shop.localhost:${anteroom.url.port}/`;
    const seat = new Visitor({ ...anteroom, ask: (path, options) => anteroom.ask(path, { ...options, host: "www.shop.localhost" }) });
    assert.equal(await seat.arrive(), "inside");
    await seat.go();
  });
  after(async () => {
    await browser.close();
    await anteroom.stop();
  });

  test("gives one place for both, and keeps it whatever a third host tosses in", { timeout: 240_000 }, async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const place = async (name, path = "") => {
      await page.goto(at(name) + path);
      await page.waitForSelector("body[data-state=waiting]");
      return page.textContent("#place");
    };
    assert.deepEqual([await place("www"), await place("pay"), await place("www")], ["1", "1", "1"]);
    const [ours] = (await context.cookies()).filter(({ name }) => name.startsWith("anteroom-"));
    assert.equal(ours.domain, ".shop.localhost");
    // No room is there: what a page of it sets goes to all hosts of the site.
    await page.goto(`http://blog.shop.localhost:${anteroom.shop.port}/`);
    await page.evaluate((name) => {
      for (const path of ["/item", "/item/2"]) document.cookie = `${name}=AwEcbmcYVCljEpsAAAAA; Domain=shop.localhost; Path=${path}; Max-Age=600`;
    }, ours.name);
    assert.equal((await context.cookies(`${at("pay")}item/2`)).filter(({ name }) => name === ours.name).length, 3, "two were tossed in, and come first");
    assert.equal(await place("pay", "item/2"), "1");
    await context.close();
  });
});
