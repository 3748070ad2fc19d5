// Pages: the visitor's, and the operator's two. Rust says which one, and what stands in its places, as HTML that is safe (src/page.rs,
// src/operator/desk.rs). The text around that decides nothing, and the Wasm, whose size has a budget, is no place for it.
import deskStyle from "./web/desk.css";
import desk from "./web/desk.html";
import deskScript from "./web/desk.js";
import signIn from "./web/sign-in.html";
import waitingStyle from "./web/waiting.css";
import waiting from "./web/waiting.html";
import waitingScript from "./web/waiting.js";

/** A page in pieces: text and, between each two, the name of a place. */
const pieces = (html, style, script) => html.replace("{{style}}", () => style).replace("{{script}}", () => script).split(/\{\{(\w+)\}\}/);
const pages = {
  waiting: pieces(waiting, waitingStyle, waitingScript),
  desk: pieces(desk, deskStyle, deskScript),
  "sign-in": pieces(signIn, deskStyle),
};

/** The answer that a `=` verdict (src/verdict.rs) stands for. What is put in is not looked at again. */
export function filled(verdict) {
  const end = verdict.indexOf("\n\n") + 2;
  const said = JSON.parse(verdict.slice(end));
  const page = pages[said.page].map((piece, index) => (index % 2 ? said[piece] : piece));
  return verdict.slice(1, end) + page.join("");
}
