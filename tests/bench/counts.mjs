// What visitors ask of the platform: calls to objects and rows of their storage, counted where they happen (workers/counted.mjs), for a crowd that joins,
// polls, claims, stays long enough to renew, and leaves (tests/crowd). The crowd is small and its room full, as at noon; a larger one shares more calls.
import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { ANTEROOM_VARS } from "./browser.mjs";
import { ask } from "./load.mjs";
import { root } from "./runtime.mjs";

const VISITORS = 400;
const ARRIVE_SECONDS = 20;
/** A pass of a session of a minute is due after 20 s. */
const STAY_SECONDS = 25;
const SEATS = 200;

export const COUNTED_VARS = {
  ...ANTEROOM_VARS,
  ROOMS: [{ name: "counted", host: "localhost", path: "/", total_active_users: SEATS, new_users_per_minute: 6_000, session_duration_seconds: 60 }],
};

export async function measureCounts({ counted: port }) {
  execFileSync("cargo", ["build", "--quiet", "--release", "-p", "anteroom-crowd"], { cwd: root, stdio: "inherit" });
  const counts = async () => JSON.parse((await ask(port, "/counts", { Host: "counts.localhost" })).body);
  await counts();
  const options = { url: `http://localhost:${port}/`, visitors: VISITORS, "arrive-seconds": ARRIVE_SECONDS, "stay-seconds": STAY_SECONDS, limit: SEATS };
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  await promisify(execFile)(join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "release/anteroom-crowd"), [...words, "--quiet"]);
  const { calls, rows } = await counts();
  const each = (count) => (count * 1_000) / VISITORS;
  const sum = Object.values(calls).reduce((all, count) => all + count, 0);
  if (sum < VISITORS || rows === 0) throw new Error(`the counting is broken: ${JSON.stringify({ calls, rows })}`);
  return {
    object_requests_per_1000_visitors: each(sum), object_rows_per_1000_visitors: each(rows),
    ...Object.fromEntries(Object.entries(calls).map(([name, count]) => [`object_requests_${name}_per_1000_visitors`, each(count)])),
  };
}
