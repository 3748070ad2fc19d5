// What objects said goes to the gate by here; and where it ended passes, what was decided of passes before is forgotten (recent.mjs).
import { endings, learn, overhear as overheard, told } from "../build/index.js";
import { lay, recover } from "./core.mjs";
import { forget } from "./recent.mjs";

let known = 0;
function forgetIfAnyEnded() {
  const now = endings();
  if (now !== known) forget();
  known = now;
}

/** News are the isolate's, whoever brings them: nobody is sent away because they cannot be heard. */
function heard(listen) {
  try {
    const said = listen();
    forgetIfAnyEnded();
    return said;
  } catch (error) {
    recover(error);
  }
}

/** The gate learns from an errand's reply: what others may learn from it, if anybody. */
export const hear = (errand, reply) => heard(() => learn(lay(`${errand}\0${reply}`)));

/** The gate learns from what another isolate had as the reply to such an errand, if it is worth anything: whether it is. */
export const overhear = (errand, entry) => entry !== undefined && heard(() => overheard(lay(`${errand}\0${entry}`)));

/** What an errand's reply means for its request. */
export function tell(asked, errand, reply, env) {
  const verdict = told(lay(`${asked}\0${errand}\0${reply}`), env);
  forgetIfAnyEnded();
  return verdict;
}
