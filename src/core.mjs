// The Wasm, instantiated, and begun anew after a panic.
import { __wbg_reset_state, initSync } from "../build/index.js";
import module from "../build/index_bg.wasm";

initSync({ module });

/** Which instance this is. What was made by another one is dead. */
export let generation = 0;

/**
 * Something was thrown. What Rust says is an error (`thrown`, durable/src/platform.rs) is one and no more; anything else, a panic above
 * all, ends the instance and all that is in its memory. That is a cache, of rows and of what objects said: nothing is lost.
 */
export function recover(error) {
  console.error("anteroom:", error);
  if (error?.name === "AnteroomError") return;
  __wbg_reset_state();
  generation += 1;
}
