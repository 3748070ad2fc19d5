// The operator's pages, byte by byte: the text is src/web's, Rust says what stands in its places, and nothing else is changed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { filled } from "./filled.mjs";
import { Visitor, startAnteroom } from "./harness.mjs";

const TOKEN = "0123456789abcdef0123456789abcdef";
const web = (name) => readFileSync(new URL(`../../src/web/${name}`, import.meta.url), "utf8");
const style = web("desk.css"), script = web("desk.js");

describe("the operator's host", () => {
  let anteroom, operator;
  const at = (path, options) => operator.ask(path, { host: "operator.localhost", ...options });
  const signIn = (token) => at("/sign-in", { method: "POST", headers: { "Sec-Fetch-Site": "same-origin" }, body: `token=${token}` });
  /** Takes a page apart at the ends of what differs from one to the next, and puts it together from src/web. */
  function assertPage({ headers, body }, name, places) {
    const [, nonce] = /script-src 'nonce-([0-9a-f]{24})'/.exec(headers["content-security-policy"]);
    assert.equal(body, Object.entries({ nonce, problems: "", ...places }).reduce((text, [place, value]) => text.split(`{{${place}}}`).join(value), web(name)));
  }
  before(async () => {
    anteroom = await startAnteroom({ secrets: { OPERATOR_TOKENS: `ada:${TOKEN}` } });
    operator = new Visitor(anteroom);
  });
  after(() => anteroom.stop());

  test("shows the form, and says what was wrong with it", async () => {
    const form = await at("/");
    assert.deepEqual([form.status, form.headers["content-type"], form.headers["cache-control"], form.headers["x-robots-tag"]],
      [200, "text/html; charset=utf-8", "no-store", "noindex"]);
    assertPage(form, "sign-in.html", { refused: "", style });
    const refused = await signIn("wrong");
    assert.equal(refused.status, 401);
    assertPage(refused, "sign-in.html", { refused: '<p id="refused" class="fault" role="alert">That is no operator&#39;s token of this deployment.</p>', style });
  });

  test("answers HEAD as GET, without the page", async () => {
    const fixed = ({ status, headers: { date, "content-length": length, "transfer-encoding": encoding, "content-security-policy": policy, ...headers } }) =>
      ({ status, ...headers, policy: policy.replace(/nonce-\w+/g, "") });
    const head = await at("/", { method: "HEAD" });
    assert.equal(head.body, "");
    assert.deepEqual(fixed(head), fixed(await at("/")));
  });

  test("shows the desk to whoever signed in", async () => {
    assert.equal((await signIn(TOKEN)).status, 303);
    const desk = await at("/");
    assert.equal(desk.status, 200);
    const [, csrf, expires] = /data-csrf="([0-9a-f]{32})" data-expires="([0-9TZ:.-]+)"/.exec(desk.body);
    assertPage(desk, "desk.html", { name: "ada", csrf, expires, style, script });
  });
});

test("what is put in a place is not looked at again", () => {
  const said = { page: "sign-in", nonce: "abc", problems: "{{refused}} $& $1 $' \\n\n\n", refused: "{{script}}$$" };
  const answer = filled(`=200\nA: b\n\n${JSON.stringify(said)}`);
  assert.ok(answer.startsWith("200\nA: b\n\n<!doctype html>"), answer);
  assert.ok(answer.includes(`\n${said.problems}\n${said.refused}\n`), answer);
  assert.equal(answer.split('nonce="abc"').length, 2);
});
