// `make bench`: starts an origin and the Workers, measures one thing after another, ends both and prints what came of it. The
// budgets and the reasons for measuring so and not otherwise are in each file's first lines. Names of parts as arguments run
// these alone: `node tests/bench/run.mjs gate sizes`.
import { ANTEROOM_VARS } from "./browser.mjs";
import { bundleCrowdhandler } from "./bundle.mjs";
import { measureCold } from "./cold.mjs";
import { measureCore } from "./core.mjs";
import { COUNTED_VARS, measureCounts } from "./counts.mjs";
import { measureGate } from "./gate.mjs";
import { measureJoins } from "./joins.mjs";
import { startOrigin } from "./origin.mjs";
import { measurePolls } from "./polls.mjs";
import { publish } from "./report.mjs";
import { ANTEROOM, ANTEROOM_OBJECTS, startWorkers } from "./runtime.mjs";
import { measureSizes } from "./sizes.mjs";
import { measureThroughput } from "./throughput.mjs";
import { measureWaits } from "./waits.mjs";

const PARTS = {
  sizes: measureSizes, gate: measureGate, throughput: measureThroughput, polls: measurePolls, joins: measureJoins,
  waits: measureWaits, counts: measureCounts, cold: measureCold, core: measureCore,
};

const services = () => [
  { name: "anteroom", modules: ANTEROOM, vars: ANTEROOM_VARS, objects: ANTEROOM_OBJECTS },
  {
    name: "inside", vars: ANTEROOM_VARS, objects: ANTEROOM_OBJECTS,
    modules: [
      "tests/bench/workers/inside.mjs", "tests/bench/workers/rivals.mjs", "tests/bench/browser.mjs",
      { name: "tests/bench/workers/crowdhandler-sdk", file: bundleCrowdhandler() }, ...ANTEROOM,
    ],
  },
  { name: "counted", vars: COUNTED_VARS, objects: ANTEROOM_OBJECTS, modules: ["tests/bench/workers/counted.mjs", ...ANTEROOM] },
  { name: "bare", modules: ["tests/bench/workers/bare.mjs"] },
  { name: "twin", modules: ["tests/bench/workers/bare.mjs"] },
  { name: "naive", modules: ["tests/bench/workers/naive.mjs"], objects: { COUNTER: "Counter" } },
  { name: "floor", modules: ["tests/bench/workers/floor.mjs", ...ANTEROOM], objects: { LOBBY: "Leaf", ROOM: "Counter" } },
  { name: "hello", modules: ["tests/bench/workers/hello.mjs", "target/bench/hello/hello.js", "target/bench/hello/hello_bg.wasm"] },
];

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PARTS);
const origin = await startOrigin();
try {
  const workers = await startWorkers(services(), origin.port);
  try {
    const report = { origin: origin.kind };
    for (const part of wanted) {
      console.error(`measuring: ${part}`);
      Object.assign(report, await PARTS[part](workers.ports, origin));
    }
    publish(report);
  } finally {
    await workers.stop();
  }
} finally {
  await origin.stop();
}
