// The time an admitted request spends in the gate, in microseconds of workerd's own clock, against two rivals that do the same job.
// A bare `fetch(request)` runs in the same loop and is taken off, so that the figure is what a gate adds. Blocks of 2 000
// calls, all gates in turn, the best block of each: this repeats within a tenth where requests per second do not. Beside it what the gate adds
// where it decides anew and remembers nothing from a moment ago (src/recent.mjs) but that the pass was believed before (durable/src/seen.rs).
import { ask } from "./load.mjs";
import { best, rotated } from "./statistics.mjs";

const CALLS = 2_000;
const BLOCKS = 24;
/** Blocks that only make the code hot. */
const WARM_UP = 3;
const GATES = ["bare", "anteroom", "anew", "webcrypto", "crowdhandler"];

export async function measureGate({ inside: port }) {
  const micros = Object.fromEntries(GATES.map((gate) => [gate, []]));
  for (let round = -WARM_UP; round < BLOCKS; round += 1) {
    for (const gate of rotated(GATES, round + WARM_UP)) {
      const { head, body } = await ask(port, `/block?gate=${gate}&calls=${CALLS}`, { Host: "inside" });
      if (!head.startsWith("HTTP/1.1 200")) throw new Error(`the block of ${gate} failed: ${head}`);
      if (round >= 0) micros[gate].push(JSON.parse(body).micros);
    }
  }
  const adds = (gate) => best(micros[gate]) - best(micros.bare);
  return {
    gate_us: adds("anteroom"), gate_anew_us: adds("anew"), bare_us: best(micros.bare), webcrypto_us: adds("webcrypto"), crowdhandler_us: adds("crowdhandler"),
    gate_vs_webcrypto: adds("anteroom") / adds("webcrypto"),
    gate_anew_vs_webcrypto: adds("anew") / adds("webcrypto"),
    gate_vs_crowdhandler: adds("anteroom") / adds("crowdhandler"),
  };
}
