// The Wasm: instantiated, given text, and begun anew after a panic.
import { __wbg_reset_state, heap, inbox, initSync } from "../build/index.js";
import module from "../build/index_bg.wasm";

initSync({ module });

/** Which instance this is. What was made by another one is dead. */
export let generation = 0;

/**
 * Something was thrown. What the platform or Rust (`thrown`, durable/src/platform.rs) says is an error is one and no more: a visitor who is cut off
 * must not cost anybody else a thing. A panic, or a stack that ran over, ends the instance and all that is in its memory. That is a cache, of
 * rows and of what objects said: nothing is lost.
 */
export function recover(error) {
  console.error("anteroom:", error);
  if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) return;
  __wbg_reset_state();
  box = new Uint8Array();
  generation += 1;
}

const encoder = new TextEncoder();
const BOX_BYTES = 16 * 1024;
/** The Wasm's inbox. Nothing once its memory has grown, for then all that was seen of it is taken away. */
let box = new Uint8Array();

/**
 * Lays a text where the next export called finds it: how many bytes it is given. (Tried: wasm-bindgen's own way, letter by letter. Until a
 * thousand requests have made that code hot, it costs more than the rest of the gate.)
 */
export function lay(text) {
  if (box.length < 3 * text.length) {
    const bytes = Math.max(BOX_BYTES, 3 * text.length), at = inbox(bytes);
    box = new Uint8Array(heap().buffer, at, bytes);
  }
  return encoder.encodeInto(text, box).written;
}
