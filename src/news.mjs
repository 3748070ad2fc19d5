// What objects said goes to the gate by here; and where it ended passes, what was decided of passes before is forgotten (recent.mjs).
import { endings, learn, told } from "../build/index.js";
import { lay, recover } from "./core.mjs";
import { forget } from "./recent.mjs";

let known = 0;
function forgetIfAnyEnded() {
  const now = endings();
  if (now !== known) forget();
  known = now;
}

/** The gate learns from an errand's reply. News are the isolate's, whoever brings them: nobody is sent away because they cannot be heard. */
export function hear(errand, reply) {
  try {
    learn(lay(`${errand}\0${reply}`));
    forgetIfAnyEnded();
  } catch (error) {
    recover(error);
  }
}

/** What an errand's reply means for its request. */
export function tell(asked, errand, reply, env) {
  const verdict = told(lay(`${asked}\0${errand}\0${reply}`), env);
  forgetIfAnyEnded();
  return verdict;
}
