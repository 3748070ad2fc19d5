// The operator's pages. Rust says which one, and what stands in its places, as HTML that is safe (src/operator/desk.rs). The text around
// that decides nothing, and the Wasm, whose size has a budget, is no place for it.
import style from "./web/desk.css";
import desk from "./web/desk.html";
import script from "./web/desk.js";
import signIn from "./web/sign-in.html";

const pages = { desk, "sign-in": signIn };

/** The answer that a `=` verdict (src/verdict.rs) stands for. What is put in is not looked at again, neither for places nor for a `$`. */
export function filled(verdict) {
  const end = verdict.indexOf("\n\n") + 2;
  const { page, ...said } = JSON.parse(verdict.slice(end));
  const places = { ...said, style, script };
  return verdict.slice(1, end) + pages[page].replace(/\{\{(\w+)\}\}/g, (_, place) => places[place]);
}
