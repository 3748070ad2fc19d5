// A crowd that never stops coming, and a machine that is switched off in the middle of it, again and again: workerd is ended by SIGKILL at moments that a
// seed chooses, and started again on the same storage. Who is right is said from outside: by the crowd, which knows what each of its visitors
// was told (tests/crowd/src/verdict.rs), and by the demo shop, which counts who is inside by a cookie of its own. A kill may cost a visitor an answer, never a place.
//
// Seen red, each with `PLANT` (see `PLANTS`): a storage that is wiped with each kill, and one that forgets its last seconds, as if the Room had
// answered before its commit. Both give places twice, and put people out who are inside.
import { spawn } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ANTEROOM, ANTEROOM_OBJECTS, built, startWorkers, storage } from "../bench/runtime.mjs";
import { startShop } from "../shop/shop.mjs";
import { Memory } from "./memory.mjs";

const SEATS = 24;
/** The room's, and the shop's. */
const SESSION_SECONDS = 60;
/**
 * A visitor's stay, and so many come in a second: half as many again as the seats serve, which are free 8 s after a goodbye, so that a line stands from the
 * first seconds to the last. Most of the time some two of five seats are taken by people: all given once more they would be too many.
 */
const STAY_SECONDS = 6;
const PER_SECOND = 2.6;
/** Pages ask at least so often: more than they are told, for a crowd of this size is small. */
const POLL_MS_MAX = 500;
/** Between two kills. At the end nobody is killed for a third of the time: so long do processes have to live that memory is judged by. */
const KILL_MS = [3_000, 7_000];
const QUIET_PART = 1 / 3;
/** Whoever has come is inside so long after the last has, or is lost: a third of those who come are in line by then. */
const drainSeconds = (seconds) => 60 + seconds;

const ROOM = {
  name: "soak", host: "localhost", path: "/", total_active_users: SEATS, new_users_per_minute: 1_200,
  session_duration_seconds: SESSION_SECONDS, claim_window_seconds: 30,
};
/**
 * The engine collects all its garbage each time, and not as late as it can: left to itself it let a process of this soak grow from 81 to 190 MB in four minutes
 * before it looked, and so would hide a leak for as long. With these the same process stayed at 90 MB.
 */
const V8_FLAGS = ["--gc-global", "--max-semi-space-size=1"];
const VARS = { ORIGIN: "", ANTEROOM: "on", OPERATOR_HOST: "operator.localhost", KEY_CURRENT: "k".repeat(64), ROOMS: [ROOM] };

/** What a broken Anteroom would do to its storage at a kill: for seeing the soak go red. */
const PLANTS = {
  /** Nothing outlives the process. */
  wiped: { kill: (disk) => rmSync(disk, { recursive: true, force: true }) },
  /** What was told in the last seconds was not durable. */
  forgets: {
    before: (disk, copy) => cpSync(disk, copy, { recursive: true }),
    kill: (disk, copy) => {
      rmSync(disk, { recursive: true, force: true });
      cpSync(copy, disk, { recursive: true });
      rmSync(copy, { recursive: true, force: true });
    },
  },
};
const FORGOTTEN_MS = 3_000;

/** Numbers from a seed: mulberry32. */
function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** When to kill, in milliseconds after the crowd began to come. */
export function killTimes(seed, seconds) {
  const roll = dice(seed), end = seconds * 1_000 * (1 - QUIET_PART), times = [];
  for (let at = 0; ;) {
    at += KILL_MS[0] + roll() * (KILL_MS[1] - KILL_MS[0]);
    if (at >= end) return times;
    times.push(Math.round(at));
  }
}

/** The crowd, and what it has to say in the end. It ends with this process, however that ends. */
function sendCrowd(program, url, shop, seconds, file) {
  const options = {
    url, visitors: Math.round(PER_SECOND * seconds), "arrive-seconds": seconds, "stay-seconds": STAY_SECONDS, limit: SEATS, "shop-stats": `${shop.url}/stats`,
    "timeout-seconds": seconds + drainSeconds(seconds), "poll-max-ms": POLL_MS_MAX, connections: 256, json: file,
  };
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(program, [...words, "--crashes", "--quiet"], { stdio: ["ignore", "pipe", "inherit"] });
  const leave = () => child.kill();
  process.once("exit", leave);
  let said = "";
  child.stdout.on("data", (data) => { said += data; });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      process.off("exit", leave);
      resolve({ code, said });
    });
  });
}

/**
 * Runs for so many seconds, and what it takes until everybody is through. `crowd` is the program; `file` is where it writes what it has seen.
 */
export async function soak({ seconds, seed, crowd, plant, log = () => {} }) {
  const file = join(built, "soak-crowd.json"), state = storage(), disk = join(state, "disk"), copy = join(state, "copy");
  const planted = PLANTS[plant] ?? {};
  const shop = await startShop({ sessionMs: SESSION_SECONDS * 1_000 });
  const service = { name: "anteroom", modules: ANTEROOM, vars: VARS, objects: ANTEROOM_OBJECTS };
  const heard = (line) => { words.push(line); };
  const words = [], outages = [], memory = new Memory();
  let workers = await startWorkers([service], shop.port, { state, heard, v8Flags: V8_FLAGS });
  service.port = workers.ports.anteroom;
  memory.watch(workers.pid);
  try {
    const begun = performance.now();
    let over = false;
    const coming = sendCrowd(crowd, `http://localhost:${service.port}/`, shop, seconds, file).finally(() => { over = true; });
    const times = killTimes(seed, seconds);
    for (const at of times) {
      const left = () => at - (performance.now() - begun);
      if (planted.before) {
        await after(Math.max(0, left() - FORGOTTEN_MS));
        planted.before(disk, copy);
      }
      await after(Math.max(0, left()));
      if (over) break;
      const killed = performance.now();
      await workers.stop("SIGKILL");
      planted.kill?.(disk, copy);
      workers = await startWorkers([service], shop.port, { state, heard, v8Flags: V8_FLAGS });
      memory.watch(workers.pid);
      outages.push(Math.round(performance.now() - killed));
      log(`killed after ${(at / 1_000).toFixed(1)} s, back ${outages.at(-1)} ms later`);
    }
    const { code, said } = await coming;
    return { code, said, file, kills: outages.length, planned: times.length, outages, memory: memory.verdict(), words };
  } finally {
    memory.stop();
    await workers.stop();
    await shop.close();
    rmSync(state, { recursive: true, force: true });
  }
}
