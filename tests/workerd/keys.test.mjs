// A key is changed while people wait and shop: by the steps of docs/keys.md, each while isolates and objects of before and after it are there at once, over the same
// storage; and what those meet whose key was forgotten on the way.
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { describe, test } from "node:test";
import { storage } from "../bench/runtime.mjs";
import { anteroom, startFaulty } from "./faulty.mjs";
import { Visitor, room, until } from "./harness.mjs";

const HOST = "shop.localhost";
const rooms = [room({ host: HOST, total_active_users: 1, session_duration_seconds: 60 })];
const KEYS = { old: "o".repeat(64), new: "n".repeat(64) };
const keyVars = (current, next, previous) => ({ KEY_CURRENT: KEYS[current] ?? "", KEY_NEXT: KEYS[next] ?? "", KEY_PREVIOUS: KEYS[previous] ?? "" });
const ALONE = { old: keyVars("old"), new: keyVars("new") };

/** What stands after each step of docs/keys.md. */
const STEPS = [...readFileSync(new URL("../../docs/keys.md", import.meta.url), "utf8").matchAll(/^\| \d \|[^|]*\|(.*)\|$/gm)]
  .map(([, keys]) => keyVars(...keys.split("|").map((key) => key.trim())));

/** Deployments over one storage: objects of one, and edges of any. Each start takes the place of the one before. */
function deployments(t) {
  const state = storage();
  let running;
  const stop = async () => (await running?.stop(), (running = undefined));
  t.after(async () => {
    await stop();
    rmSync(state, { recursive: true, force: true });
  });
  return async (objects, ...edges) => {
    await stop();
    const others = { ROOM: "anteroom", LOBBY: "anteroom", DIRECTORY: "anteroom" };
    const services = edges.map((vars, index) => anteroom(`edge-${index}`, rooms, { vars, objects: {}, others }));
    running = await startFaulty([anteroom("anteroom", rooms, { vars: objects }), ...services], { state });
    return edges.map((_, index) => running.at(`edge-${index}`, HOST));
  };
}

/** A visitor, by way of this edge. */
const by = (edge, visitor) => Object.assign(visitor, { anteroom: edge });
const isInside = async (edge, visitor) => assert.equal((await by(edge, visitor).go()).headers.anteroom, undefined, "thrown out");
const arrival = async (edge) => {
  const visitor = new Visitor(edge);
  assert.equal((await visitor.go()).headers.anteroom, "joining");
  return visitor;
};
async function joins(edge, visitor) {
  const { state, place } = await by(edge, visitor).stand("/");
  assert.equal(state, "waiting");
  return Object.assign(visitor, { place });
}
/** Nothing is known of their token, and it is left alone. */
async function reconnects(edge, visitor) {
  const before = new Map(visitor.jar);
  for (const path of ["/", "/.anteroom/wait?to=/"]) {
    const { status, headers } = await by(edge, visitor).go(path);
    assert.deepEqual([status, headers.anteroom], [503, "reconnecting"]);
  }
  assert.deepEqual(visitor.jar, before);
}
const keepsPlace = async (edge, visitor) => assert.deepEqual(await by(edge, visitor).stand().then(({ state, place }) => [state, place]), ["waiting", visitor.place]);

describe("a key is changed", { concurrency: true, timeout: 240_000 }, () => {
  test("by the steps of docs/keys.md: nobody is thrown out, and no place is lost", async (t) => {
    assert.equal(STEPS.length, 6);
    const start = deployments(t), inside = new Visitor(), line = [];
    let [edge] = await start(STEPS[0], STEPS[0]);
    assert.equal(await by(edge, inside).arrive(), "inside");
    await isInside(edge, inside);
    let coming = await arrival(edge), signedBefore;
    for (const [index, after] of STEPS.entries()) {
      if (index === 0) continue;
      const before = STEPS[index - 1];
      if (index === STEPS.length - 1) {
        // Two days, that is: whoever is inside has a new pass, and old tickets are void. Here those are the first ones in line.
        const held = [...inside.jar.values()][0];
        await until(async () => (await isInside(edge, inside), [...inside.jar.values()][0] !== held), "the pass is renewed", 40_000);
        signedBefore = line.splice(0, line.findIndex(({ step }) => step > 3));
        coming = await arrival(edge);
      }
      for (const objects of [before, after]) {
        const edges = await start(objects, before, after);
        for (edge of edges) {
          await isInside(edge, inside);
          for (const visitor of line) await keepsPlace(edge, visitor);
        }
        // What one of them gave the other takes, whichever is the older.
        line.push(Object.assign(await joins(edges[1], coming), { step: index }));
        line.push(Object.assign(await joins(edges[0], await arrival(edges[1])), { step: index }));
        coming = await arrival(edges[0]);
      }
    }
    const last = STEPS.at(-1);
    [edge] = await start(last, last);
    await isInside(edge, inside);
    assert.deepEqual(line.map(({ place }) => place), line.map((_, index) => signedBefore.length + 1 + index), "places follow each other, whoever signed them");
    // Who held on to a ticket for longer than it lives is the only one who is not known.
    await reconnects(edge, signedBefore[0]);
  });

  test("without a step: who is not known is told to come again and keeps their token, and has place and seat again once the key is back", async (t) => {
    const start = deployments(t), inside = new Visitor();
    let [edge] = await start(ALONE.old, ALONE.old);
    assert.equal(await by(edge, inside).arrive(), "inside");
    await isInside(edge, inside);
    const waits = await joins(edge, await arrival(edge));
    // The old key was not made the previous one.
    [edge] = await start(ALONE.new, ALONE.new);
    for (const visitor of [inside, waits]) await reconnects(edge, visitor);
    const fresh = await joins(edge, await arrival(edge));
    assert.equal(fresh.place, 2);
    // It is, but the new one was not next before: an isolate of before does not know it yet.
    const kept = keyVars("new", "", "old"), [old, now] = await start(kept, ALONE.old, kept);
    for (const visitor of [waits, fresh]) await keepsPlace(now, visitor);
    await isInside(now, inside);
    await reconnects(old, fresh);
    await keepsPlace(now, fresh);
  });

  test("and the old one is lost: with another cookie_suffix everybody begins anew", async (t) => {
    const start = deployments(t);
    let [edge] = await start(ALONE.old, ALONE.old);
    assert.equal(await new Visitor(edge).arrive(), "inside");
    const waits = await joins(edge, await arrival(edge));
    [edge] = await start(ALONE.new, ALONE.new);
    await reconnects(edge, waits);
    const { id } = (await edge.operate("/waiting_rooms")).result[0];
    assert.equal((await edge.operate(`/waiting_rooms/${id}`, { method: "PATCH", body: { cookie_suffix: "2" } })).status, 200);
    await until(async () => (await by(edge, waits).go()).headers.anteroom === "joining", "the edge hears of it");
    assert.equal((await joins(edge, waits)).place, 2);
  });
});
