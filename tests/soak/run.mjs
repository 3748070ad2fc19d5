// `make soak`: see soak.mjs. TIME is how many seconds people come for, SEED chooses the moments of the kills. Everything stays on this machine, and ends with
// this process. Ends with 1 if a promise was broken or memory grew, with 2 if it could not begin.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { built, root } from "../bench/runtime.mjs";
import { soak } from "./soak.mjs";

function whole(name, fallback, low, high) {
  const text = process.env[name] || String(fallback), number = Number(text);
  if (/^\d+$/.test(text) && number >= low && number <= high) return number;
  console.error(`${name} is a whole number from ${low} to ${high}, not ${JSON.stringify(text)}`);
  process.exit(2);
}

const seconds = whole("TIME", 120, 15, 3_600);
const seed = whole("SEED", Math.floor(Math.random() * 1e9), 0, 4_294_967_295);
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
console.log(`soak: ${seconds} s of people who come, SEED=${seed} for the same kills again`);
execFileSync("cargo", ["build", "--quiet", "--release", "-p", "anteroom-crowd"], { cwd: root, stdio: "inherit" });

const crowd = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "release/anteroom-crowd");
const { code, said, file, kills, outages, memory } = await soak({ seconds, seed, crowd, plant: process.env.PLANT, log: console.log });
const seen = code === 2 ? {} : JSON.parse(readFileSync(file, "utf8"));
if (said) console.log(said.trimEnd());
const megabytes = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
for (const { seconds: lived, first, last, grown, bound, flat } of memory) {
  console.log(`memory in a life of ${lived} s: ${megabytes(first)} at first, ${megabytes(last)} at last, ${megabytes(grown)} of ${megabytes(bound)} allowed: ${flat ? "flat" : "GREW"}`);
}
const broken = Object.entries(seen).filter(([name, word]) => name.startsWith("check_") && word === "broken").map(([name]) => name.slice(6));
// Without /proc there is no memory to be judged, and that is said and no failure.
const isFlat = memory.every(({ flat }) => flat), isGood = code === 0 && isFlat;
const report = { is: "measured", seconds, seed, kills, outage_ms: outages, broken, memory, memory_is_flat: memory.length > 0 ? isFlat : null, crowd: seen };
const reportFile = join(built, "soak.json");
writeFileSync(reportFile, `${JSON.stringify(report, null, 2)}\n`);
const about = `${seen.visitors ?? 0} visitors, ${kills} kills, ${seen.faults ?? 0} answers lost, ${seen.lost ?? "?"} visitors lost, at most ${seen.shop_inside_max ?? "?"} inside`;
const judged = memory.length > 0 ? isFlat ? "memory flat" : "MEMORY GREW" : "no life long enough to judge memory by";
console.log(`soak: ${isGood ? "every promise kept" : `BROKEN: ${broken.join(", ") || (code === 2 ? "there was no crowd" : "memory")}`}: ${about}; ${judged}. Report: ${reportFile}`);
process.exit(code === 2 ? 2 : isGood ? 0 : 1);
