// How much memory workerd has, sampled from /proc, and whether it grows. Memory of a JavaScript engine goes up and down by what its collector has not
// collected yet; a leak goes up alone. So the figure is the least of a quarter of a life, below which no collection brought it, and the last quarter's
// may be above the first's by no more than the most that a collection was seen to give back in them, and what a heap takes in one step.
import { readFileSync } from "node:fs";

const EVERY_MS = 250;
/** Until everything has been loaded and compiled once. */
const WARM_UP_MS = 5_000;
/** A shorter life says nothing: a quarter of it has no collection. */
const LIFE_MS_MIN = 15_000;
/** V8 and the allocator below it ask the system for memory in chunks, and Wasm's grows by pages of which objects take a few: 9 MiB were seen in a life of two minutes. */
const STEP_BYTES = 16 * 2 ** 20;

/** In bytes; none when the process is gone, or the system has no /proc. */
function resident(pid) {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

const least = (values) => Math.min(...values);

/** How far it fell from where it had been. */
function fall(values) {
  let [peak, most] = [0, 0];
  for (const bytes of values) {
    peak = Math.max(peak, bytes);
    most = Math.max(most, peak - bytes);
  }
  return most;
}

/** Of one life, given as samples `{ at, bytes }`; none if it was too short. */
export function growth(samples) {
  const begun = samples[0]?.at ?? 0;
  const warm = samples.filter(({ at }) => at - begun >= WARM_UP_MS);
  if (warm.length === 0 || warm.at(-1).at - begun < LIFE_MS_MIN) return undefined;
  const quarter = Math.floor(warm.length / 4);
  const [first, last] = [warm.slice(0, quarter), warm.slice(-quarter)].map((part) => part.map(({ bytes }) => bytes));
  const bound = STEP_BYTES + Math.max(fall(first), fall(last)), grown = least(last) - least(first);
  return { seconds: Math.round((warm.at(-1).at - begun) / 1_000), first: least(first), last: least(last), grown, bound, flat: grown <= bound };
}

/** Watches one process after the other. */
export class Memory {
  #lives = [];
  #timer;
  watch(pid) {
    const samples = [];
    this.#lives.push(samples);
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      const bytes = resident(pid);
      if (bytes !== undefined) samples.push({ at: performance.now(), bytes });
    }, EVERY_MS);
  }
  stop() {
    clearInterval(this.#timer);
  }
  /** Of each life that was long enough. */
  verdict() {
    this.stop();
    return this.#lives.map(growth).filter((life) => life !== undefined);
  }
}
