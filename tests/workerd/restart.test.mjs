// The machine stops in the middle and starts again on the same storage: what people were told before still holds.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { NAVIGATION, Visitor, startDevelopment, until } from "./harness.mjs";

// As in wrangler.toml: 20 seats, of which a tenth of 120 a minute are given at once.
const PEOPLE = 30, SEATS = 20;
// To the shop first, which counts by a cookie of its own.
const leave = async (visitor) => {
  await visitor.ask("/bye", { method: "POST", headers: NAVIGATION });
  await visitor.leave();
};
let anteroom;
before(async () => { anteroom = await startDevelopment(); });
after(() => anteroom.stop());

test("passes, places and their order outlive a crash, and no rank is given twice", { timeout: 240_000 }, async () => {
  const inside = [], waiting = [];
  for (let index = 0; index < PEOPLE; index++) {
    const visitor = new Visitor(anteroom);
    if ((await visitor.arrive()) !== "inside") waiting.push(visitor);
    else {
      await visitor.go();
      inside.push(visitor);
    }
  }
  assert.ok(inside.length >= 10 && waiting.length >= 10, `${inside.length} inside, ${waiting.length} waiting`);

  await anteroom.crash();

  for (const visitor of inside) assert.equal((await visitor.go()).headers.anteroom, undefined, "a pass is still good");
  for (const visitor of waiting) assert.equal((await visitor.stand()).place, visitor.place);
  const late = new Visitor(anteroom);
  await late.arrive();
  assert.equal(late.place, waiting.at(-1).place + 1, "the next rank, neither an old one nor a gap");

  for (const visitor of inside) await leave(visitor);
  for (const visitor of [...waiting, late]) {
    await until(async () => (await visitor.stand()).state === "your_turn", `place ${visitor.place} is called`, 60_000);
    assert.equal((await visitor.go()).headers.anteroom, undefined, "let in by the request that was promised");
    await leave(visitor);
  }
  assert.ok(anteroom.shop.stats.inside_max <= SEATS, `the shop saw ${anteroom.shop.stats.inside_max}`);
});
