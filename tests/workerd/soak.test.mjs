// `make soak`, short: two kills in the middle of a crowd, and nobody loses a place; and what it takes for memory that grows.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../bench/runtime.mjs";
import { growth } from "../soak/memory.mjs";
import { killTimes, soak } from "../soak/soak.mjs";

test("two kills cost answers, and nobody their place", { timeout: 240_000 }, async () => {
  execFileSync("cargo", ["build", "--quiet", "-p", "anteroom-crowd"], { cwd: root, stdio: "inherit" });
  const crowd = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug/anteroom-crowd");
  const { code, said, kills } = await soak({ seconds: 18, seed: 1, crowd });
  assert.equal(kills, 2);
  assert.equal(code, 0, said);
});

test("a seed names the moments of the kills, and the end is left in peace", () => {
  assert.deepEqual(killTimes(7, 120), killTimes(7, 120));
  assert.notDeepEqual(killTimes(7, 120), killTimes(8, 120));
  const times = killTimes(7, 120);
  assert.ok(times.length >= 11 && times.every((at) => at < 80_000), String(times));
});

const life = (seconds, bytes) => Array.from({ length: seconds * 4 }, (_, index) => ({ at: index * 250, bytes: bytes(index / 4) }));
const MEGABYTE = 2 ** 20;

test("memory that goes up and down is flat, memory that only goes up is not, and a short life says nothing", () => {
  const saw = growth(life(60, (second) => (80 + (second * 7) % 30) * MEGABYTE));
  assert.ok(saw.flat, JSON.stringify(saw));
  const leak = growth(life(120, (second) => (80 + second) * MEGABYTE));
  assert.ok(!leak.flat && leak.grown > 80 * MEGABYTE, JSON.stringify(leak));
  assert.equal(growth(life(10, () => MEGABYTE)), undefined);
  assert.equal(growth([]), undefined);
});
