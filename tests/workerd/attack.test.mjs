// What `make attack` tries, one test for each; and docs/security.md, which speaks of each of them and of nothing else.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { ATTACKS, judge } from "../attack/attacks.mjs";
import { startWorld } from "../attack/world.mjs";

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

describe("attacks", () => {
  let world;
  before(async () => { world = await startWorld(ATTACKS); });
  after(() => world.stop());
  for (const attack of ATTACKS) {
    test(`${attack.name}: ${attack.open ? "gets what is said of it, and no more" : "stopped"}`, { timeout: 240_000 }, async () => {
      const { outcome, evidence } = await judge(attack, world.on(attack));
      assert.notEqual(outcome, "BROKEN", evidence);
    });
  }
});

describe("docs/security.md", () => {
  const [stopped, open] = read("docs/security.md").split("\n## What is not stopped\n");
  /** The cells of the tables' rows, without their heads. */
  const rows = (part) => part.split("\n").filter((line) => line.startsWith("| ")).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim())).filter(([first]) => first !== "attack");

  test("has a row for each attack, and for no other", () => {
    const names = (isOpen) => ATTACKS.filter((attack) => Boolean(attack.open) === isOpen).map(({ name }) => name);
    assert.deepEqual(rows(stopped).map(([name]) => name).sort(), names(false).sort());
    assert.deepEqual(rows(open).map(([name]) => name).sort(), names(true).sort());
    assert.equal(new Set(ATTACKS.map(({ name }) => name)).size, ATTACKS.length, "every name is one attack's");
  });

  test("names files and tests that are there", () => {
    let named = 0;
    for (const [name, , rule, tests] of rows(stopped)) {
      for (const [, path] of rule.matchAll(/`((?:src|durable)\/[^`]+)`/g)) assert.ok(read(path), path);
      for (const [, path, test] of tests.matchAll(/`([^`]+\.(?:rs|mjs))` `([^`]+)`/g)) {
        const source = read(path);
        assert.ok(source.includes(`fn ${test}(`) || source.includes(`"${test}"`), `${name}: ${path} has no test ${test}`);
        named += 1;
      }
    }
    assert.ok(named > 20, `${named} tests are named`);
  });
});
