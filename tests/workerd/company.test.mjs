// Those whose wishes travel in one call (src/leaves.mjs, docs/adr/0007): each is answered in a request of their own, however hot the code
// is and whoever of the others has left.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { ANTEROOM_VARS, APP, LINE_HOST, obtainArrival, obtainPass } from "../bench/browser.mjs";
import { ask, drive, expect, get, sender } from "../bench/load.mjs";
import { startOrigin } from "../bench/origin.mjs";
import { ANTEROOM, ANTEROOM_OBJECTS, startWorkers } from "../bench/runtime.mjs";

// V8 takes code for hot after a few runs, and not after some thousand joins, and its last compiler has done before the next: what that one makes
// of a promise is not what the others do.
const v8Flags = ["--no-concurrent-recompilation", "--no-maglev", "--invocation-count-for-turbofan=5", "--minimum-invocations-after-ic-update=1"];
const TIMEOUT = { timeout: 240_000 };
const JOINS = 1_500;
let origin, workers;
before(async () => {
  origin = await startOrigin();
  workers = await startWorkers([
    { name: "anteroom", modules: ANTEROOM, vars: ANTEROOM_VARS, objects: ANTEROOM_OBJECTS },
    { name: "company", modules: ["tests/workerd/company.mjs", ...ANTEROOM], objects: { LOBBY: "Leaf" } },
  ], origin.port, { v8Flags });
  await obtainPass(sender(workers.ports.anteroom, LINE_HOST));
});
after(async () => {
  await workers.stop();
  await origin.stop();
});

/** Somebody who can hang up, so that the runtime hears of it: of an end that is not a reset it hears when it writes. */
function visit(port, request) {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => socket.write(request));
  const gone = new Promise((resolve) => socket.once("close", resolve));
  const answer = new Promise((resolve) => socket.once("data", (data) => resolve(data.toString("latin1"))));
  socket.on("error", () => {});
  return { answer, gone, hangUp: () => (socket.resetAndDestroy(), gone) };
}

const joinOf = (cookie) => get("/", { Host: LINE_HOST, ...APP, Cookie: cookie });
const arrive = () => obtainArrival(sender(workers.ports.anteroom, LINE_HOST));

/** A crowd joins, and each waits to be told a place. */
async function joinAll() {
  const port = workers.ports.anteroom, joins = [], places = new Set(), arrival = get("/", { Host: LINE_HOST, ...APP });
  let left = JOINS;
  await drive({
    port, connections: 16, next: () => (left-- > 0 ? arrival : null),
    check: (head) => (expect(head, 200, "anteroom"), joins.push(joinOf(/^set-cookie: *([^;\r\n]+)/im.exec(head)[1]))),
  });
  await drive({
    port, connections: 48, next: () => joins.pop() ?? null,
    check: (head, body) => (expect(head, 200, "anteroom"), places.add(/"place":(\d+)/.exec(body)?.[1])),
  });
  assert.ok(!places.has(undefined), "somebody was told no place");
  assert.equal(places.size, JOINS);
}

test("many who join at once are each told a place of their own", TIMEOUT, joinAll);

test("while others hang up at every moment of their joins, those who stay are each told a place", TIMEOUT, async () => {
  let over = false;
  const leaving = Array.from({ length: 8 }, async (_, millis) => {
    for (; !over; millis += 8) {
      const visitor = visit(workers.ports.anteroom, joinOf(await arrive()));
      setTimeout(visitor.hangUp, millis % 30);
      await visitor.gone;
    }
    return millis;
  });
  await joinAll();
  over = true;
  assert.ok((await Promise.all(leaving)).every((millis) => millis > 30), "nobody left");
});

const wish = (who) => visit(workers.ports.company, get(`/${who}`, { Host: "company" }));
const leaf = async (path) => (await ask(workers.ports.company, path, { Host: "company" })).body.toString();
const calls = async (wishes) => JSON.parse(await leaf(`/calls?wishes=${wishes}`));
async function hears(visitor, who) {
  assert.ok((await visitor.answer).endsWith(`\r\n\r\nfor ${who}`), await visitor.answer);
  await visitor.hangUp();
}

test("whoever waited for the call under way calls when the request that made it has ended", TIMEOUT, async () => {
  for (let round = 0; round < 60; round += 1) {
    const first = wish("first");
    await calls(1);
    const second = wish("second");
    // A way there and back: the second has come meanwhile.
    await calls(1);
    await leaf("/let-go");
    await hears(first, "first");
    await calls(1);
    await leaf("/let-go");
    await hears(second, "second");
  }
});

test("whoever calls for others and hangs up calls for them to the end", TIMEOUT, async () => {
  const visitors = new Map([["alone", wish("alone")]]);
  await calls(1);
  for (let index = 0; index < 12; index += 1) visitors.set(`v${index}`, wish(`v${index}`));
  const together = (await calls(13)).filter((call) => call.length > 1);
  assert.ok(together.length > 0, "nobody had company");
  for (const [caller] of together) {
    await visitors.get(caller).hangUp();
    visitors.delete(caller);
  }
  await leaf("/let-go");
  for (const [who, visitor] of visitors) await hears(visitor, who);
});
