// `make crowd`, small: it finds every promise kept, and says so with its exit code.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startDevelopment } from "./harness.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const crowd = (...options) => promisify(execFile)("cargo", ["run", "--quiet", "-p", "anteroom-crowd", "--", ...options], { cwd: root });
let anteroom, folder;
before(async () => {
  anteroom = await startDevelopment();
  folder = mkdtempSync(join(tmpdir(), "anteroom-"));
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await anteroom.stop();
});

test("40 visitors and 100 clients without cookies, for 20 seats", { timeout: 240_000 }, async () => {
  const url = `http://localhost:${anteroom.url.port}/`;
  const file = join(folder, "crowd.json");
  await crowd("--url", url, "--visitors", "40", "--arrive-seconds", "2", "--stay-seconds", "1", "--cookieless", "100", "--limit", "20",
    "--shop-stats", `${anteroom.shop.url}/stats`, "--json", file, "--quiet");
  const result = JSON.parse(readFileSync(file, "utf8"));
  assert.equal(result.visitors, 40);
});

test("a crowd for a stranger's host is refused", { timeout: 240_000 }, async () => {
  await assert.rejects(crowd("--url", "https://shop.example.com/"), /i-own-this-host/);
});
