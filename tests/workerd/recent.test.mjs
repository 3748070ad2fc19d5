// What the entry remembers of admissions (src/recent.mjs): for whom, where, and how long.
import assert from "node:assert/strict";
import { test } from "node:test";
import { remember, wasAdmitted } from "../../src/recent.mjs";

const HELD = "__Host-anteroom-01020304=AwExyz";
const SALE = "https://shop.example/sale";

test("the same cookies are let through below a route, until then", () => {
  remember(`2000\n${SALE}\n${HELD}`, 1_000);
  for (const rest of ["", "/", "/basket", "/basket/", "/a/b/c.html?page=2&q=a%20b", "?x=/../y", "/a.b"]) {
    assert.ok(wasAdmitted(HELD, SALE + rest, 1_000), rest);
  }
  assert.ok(wasAdmitted(HELD, SALE, 1_999));
  assert.ok(!wasAdmitted(HELD, SALE, 2_000), "the board may not be acted on any more");
  assert.ok(!wasAdmitted(HELD, SALE, 999), "a clock that jumped back");
});

test("other cookies, other paths, other spellings and what is ours take the long way", () => {
  remember(`2000\n${SALE}\n${HELD}`, 1_000);
  assert.ok(!wasAdmitted(`${HELD}x`, SALE, 1_000) && !wasAdmitted(HELD.slice(0, -1), SALE, 1_000) && !wasAdmitted("", SALE, 1_000));
  for (const rest of ["speople", "/../admin", "/x/..", "/.anteroom/leave", "//", "/a//b", "/%2e%2e/admin", "/a;b", "/a\\b", "/.hidden", "/x/%2F", "/x?anteroom-claim=1", "?a=1&anteroom-claim=1"]) {
    assert.ok(!wasAdmitted(HELD, SALE + rest, 1_000), rest);
  }
  assert.ok(!wasAdmitted(HELD, "https://shop.example/", 1_000) && !wasAdmitted(HELD, "http://shop.example/sale", 1_000));
});

test("a memory that is full begins anew", () => {
  remember(`2000\n${SALE}\n${HELD}`, 1_000);
  for (let index = 0; index < 2_000; index += 1) remember(`2000\n${SALE}\nx=AwE${index}`, 1_000);
  assert.ok(!wasAdmitted(HELD, SALE, 1_000) && wasAdmitted("x=AwE1999", SALE, 1_000));
});
