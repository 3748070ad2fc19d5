// What attackers try, each against a room of its own in a running Anteroom. An attack is judged by what the origin saw, by ranks and seats as the Room
// itself tells them, and by what other visitors lived through. `make attack` prints the table, `make test` runs the same list, docs/security.md explains it.
//
// Each has a `name`, what is tried in words, the rooms it needs, and `attempt(target, must)`: it really tries, calls `must` with everything that has to
// hold, and answers one line of evidence. `open` marks what is not stopped: there `must` says what exactly the attacker gets, and no more.
import { APART } from "./apart.mjs";
import { FLOODS } from "./floods.mjs";
import { OPEN } from "./open.mjs";
import { OPERATORS } from "./operators.mjs";
import { STRANGERS } from "./strangers.mjs";
import { TOKENS } from "./tokens.mjs";
import { WAYS } from "./ways.mjs";

export const ATTACKS = [...TOKENS, ...WAYS, ...APART, ...FLOODS, ...STRANGERS, ...OPERATORS, ...OPEN];

/** An attack that takes longer than this has made something hang. */
const PATIENCE_MS = 180_000;

/** Tries one: its outcome, and what shows it. */
export async function judge(attack, target) {
  const faults = [];
  const must = (holds, what) => void (holds || faults.push(what));
  let evidence, timer;
  const hangs = new Promise((_, reject) => (timer = setTimeout(reject, PATIENCE_MS, new Error(`not over after ${PATIENCE_MS} ms`))));
  try {
    evidence = await Promise.race([attack.attempt(target, must), hangs]);
  } catch (error) {
    faults.push(error.message);
  } finally {
    clearTimeout(timer);
  }
  if (faults.length) return { outcome: "BROKEN", evidence: [...new Set(faults)].slice(0, 5).join("; ") };
  return { outcome: attack.open ? "not stopped" : "stopped", evidence };
}
