// What would be uploaded: it builds, it has every object that wrangler.toml names, and it is not larger than it was.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** The budget. */
const WASM_GZIP_BYTES_MAX = 192_000;

test("wrangler deploy --dry-run builds a Worker with every object in it", { timeout: 240_000 }, () => {
  const out = mkdtempSync(join(tmpdir(), "anteroom-"));
  try {
    const said = execFileSync(join(root, "tests/node_modules/.bin/wrangler"), ["deploy", "--dry-run", "--outdir", out], { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    console.log(`# ${/Total Upload:.*/.exec(said)?.[0]}`);
    const script = readFileSync(join(out, "entry.js"), "utf8");
    const config = readFileSync(join(root, "wrangler.toml"), "utf8");
    const classes = [...config.matchAll(/class_name = "(\w+)"/g)].map(([, name]) => name);
    assert.equal(classes.length, 3);
    for (const name of classes) assert.match(script, new RegExp(`as ${name}\\b|\\b${name}\\b`), `${name} is not exported`);
    const bytes = gzipSync(readFileSync(join(root, "build/index_bg.wasm")), { level: 9 }).length;
    console.log(`# the Wasm: ${bytes} bytes compressed`);
    assert.ok(bytes <= WASM_GZIP_BYTES_MAX, `${bytes} bytes compressed, at most ${WASM_GZIP_BYTES_MAX}`);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});
