// `make attack`: tries the whole list against a running Anteroom and prints what came of it. Ends with an error if anything was not as docs/security.md says.
import { ATTACKS, judge } from "./attacks.mjs";
import { startWorld } from "./world.mjs";

const rows = [];
const world = await startWorld(ATTACKS);
try {
  for (const attack of ATTACKS) {
    console.error(`trying: ${attack.name}`);
    rows.push([attack.name, ...Object.values(await judge(attack, world.on(attack)))]);
  }
} finally {
  await world.stop();
}
const wide = (column) => Math.max(...rows.map((row) => row[column].length));
for (const [name, outcome, evidence] of rows) console.log(`${name.padEnd(wide(0))}  ${outcome.padEnd(wide(1))}  ${evidence}`);
const count = (wanted) => rows.filter(([, outcome]) => outcome === wanted).length;
console.log(`${rows.length} attacks: ${count("stopped")} stopped, ${count("not stopped")} not stopped as docs/security.md says, ${count("BROKEN")} broken`);
process.exitCode = count("BROKEN") ? 1 : 0;
