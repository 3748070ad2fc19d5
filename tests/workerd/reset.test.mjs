// A reset, as an operator and everybody else meet it: whoever waits or is inside is out, the line begins anew, and the limit holds meanwhile.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { anteroom, startFaulty } from "./faulty.mjs";
import { Visitor, room, until } from "./harness.mjs";

const HOST = "shop.localhost";
let faulty, shop, path;
before(async () => {
  faulty = await startFaulty([anteroom("reset", [room({ host: HOST, total_active_users: 1, session_duration_seconds: 300 })])]);
  shop = faulty.at("reset", HOST);
  path = `/waiting_rooms/${(await shop.operate("/waiting_rooms")).result[0].id}`;
});
after(() => faulty.stop());

test("everybody of before is out, the next who comes is the first, and the seat is nobody's until the last pass is dead", { timeout: 240_000 }, async () => {
  const [inside, first, second] = [1, 2, 3].map(() => new Visitor(shop));
  assert.deepEqual([await inside.arrive(), await first.arrive(), first.place, await second.arrive(), second.place], ["inside", "waiting", 1, "waiting", 2]);
  await inside.go();
  assert.equal((await shop.operate(`${path}/reset`)).status, 405);
  assert.equal((await shop.operate("/waiting_rooms/0123/reset", { method: "POST" })).status, 404);

  const { status, result } = await shop.operate(`${path}/reset`, { method: "POST" });
  assert.deepEqual([status, result], [200, { reset: true }]);
  const since = Date.now(), live = async () => (await shop.operate(`${path}/live`)).result;
  assert.deepEqual([(await live()).issued, (await live()).waiting, (await live()).inside], [0, 0, 1]);
  // Who stood second is quicker.
  await until(async () => (await second.stand()).state === "joining", "a ticket of before is void");
  await second.go();
  assert.deepEqual([await second.stand("/"), (await live()).issued].map((said) => said?.place ?? said), [1, 1]);
  await until(async () => (await inside.go()).headers.anteroom, "a pass of before is void");
  const seen = [];
  await until(async () => {
    const { inside: taken, called } = await live();
    seen.push([Date.now() - since, taken, called]);
    return called > 0;
  }, "the seat is free, and the first is called", 40_000);
  // Boards have been a second old at most only since somebody waited.
  for (const [ms, taken, called] of seen) assert.ok(called === 0 || (taken === 0 && ms >= 7_500), `after ${ms} ms ${taken} are inside and ${called} called`);
  assert.equal((await second.go()).headers.anteroom, undefined, "the first of the new line is let in");
  assert.notEqual(await first.arrive(), "inside");
  const log = (await shop.operate("/waiting_room_changes")).result;
  assert.deepEqual([log[0].who, log[0].action], ["ada", "reset"]);
});
