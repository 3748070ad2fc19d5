// A secret that is missing, or is none: visitors get the page, or nothing happens to them, and its name is in the log and on the operator's host, and nowhere else.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { OPERATORS_HOST, anteroom, startFaulty } from "./faulty.mjs";
import { APP, NAVIGATION, room, until } from "./harness.mjs";

const HOST = "shop.localhost", SHORT = "too-short-a-secret";
const rooms = [room({ host: HOST })];
/** By worker: what the deployment lacks, whose name has to be told, and whether visitors come in all the same. */
const LACKS = {
  "no-current": { vars: { KEY_CURRENT: "" }, named: /`KEY_CURRENT` is missing.*wrangler secret put KEY_CURRENT/ },
  "short-current": { vars: { KEY_CURRENT: SHORT }, named: /`KEY_CURRENT` has 18 bytes, at least 32 are needed/ },
  "short-next": { vars: { KEY_NEXT: SHORT }, named: /`KEY_NEXT` has 18 bytes, at least 32 are needed/ },
  "short-previous": { vars: { KEY_PREVIOUS: SHORT }, named: /`KEY_PREVIOUS` has 18 bytes, at least 32 are needed/ },
  "no-operators": { vars: { OPERATOR_TOKENS: "" }, named: /`OPERATOR_TOKENS` is missing.*wrangler secret put OPERATOR_TOKENS/, open: true },
  "no-token": { vars: { OPERATOR_TOKENS: `ada:${SHORT}` }, named: /`OPERATOR_TOKENS`, entry 1: /, open: true },
};
/** As in the log, where names and commands stand between backticks. */
const text = (html) => html.replace(/<\/?code>/g, "`").replace(/<[^>]*>/g, "");

let running;
before(async () => { running = Object.fromEntries(await Promise.all(Object.entries(LACKS).map(async ([name, { vars }]) => [name, await startFaulty([anteroom(name, rooms, { vars })])]))); });
after(() => Promise.all(Object.values(running).map(({ stop }) => stop())));

describe("a deployment with", () => {
  for (const [name, { named, open }] of Object.entries(LACKS)) {
    test(`${name.replace("-", " ")}: ${open ? "visitors come in" : "visitors get the page"}, and operators are told its name`, async () => {
      const { at, log } = running[name], shop = at(name, HOST);
      const page = await shop.ask("/", { headers: NAVIGATION }), app = await shop.ask("/api", { headers: APP });
      if (open) assert.deepEqual([page.status, page.headers.anteroom, app.status], [200, undefined, 200]);
      else {
        assert.deepEqual([page.status, page.headers.anteroom, page.headers["set-cookie"]], [503, "unavailable", undefined]);
        assert.ok(Number(page.headers["retry-after"]) > 0 && /http-equiv="refresh"/.test(page.body), "it comes back by itself");
        assert.deepEqual([app.status, JSON.parse(app.body).cfWaitingRoom.state], [503, "unavailable"]);
      }
      for (const { body } of [page, app]) assert.doesNotMatch(body, /KEY_|OPERATOR_TOKENS|too-short/);
      const operators = await at(name, OPERATORS_HOST).ask("/");
      assert.match(text(operators.body), named);
      await until(() => named.test(log.join("")), "it is in the log");
      assert.doesNotMatch(log.join("") + operators.body, /too-short/, "a secret is told nowhere");
    });
  }
});
