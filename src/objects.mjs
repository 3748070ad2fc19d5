// The Durable Objects, around the classes in Wasm: `ask` is the one method anybody calls, and the alarm is one more thing to ask.
import { DurableObject } from "cloudflare:workers";
import * as built from "../build/index.js";

const state = globalThis.__worker_init_state;

/**
 * Begins anew after a panic, which ends the Wasm instance and all that is in its memory: making an instance of the entry's class is how
 * worker-build is told to. Memory is a cache of rows, so nothing is lost.
 */
export function recover(error) {
  console.error("anteroom:", error);
  state.criticalError ||= error instanceof WebAssembly.RuntimeError;
  if (state.criticalError) new built.default({}, {});
}

// Of the class that worker-build wraps, whose instances are proxies that cost more than a wish.
const hosted = ({ prototype: { constructor: Core } }) => class extends DurableObject {
  ask(name, action, payload) {
    if (state.criticalError) recover("a panic in a task");
    if (this.instanceId !== state.instanceId) {
      this.core = new Core(this.ctx, this.env);
      this.instanceId = state.instanceId;
    }
    try {
      return this.core.ask(name, action, payload);
    } catch (error) {
      recover(error);
      throw error;
    }
  }
  alarm() {
    return this.ask("", "alarm", null);
  }
};

export const RoomObject = hosted(built.RoomObject);
export const LobbyObject = hosted(built.LobbyObject);
export const DirectoryObject = hosted(built.DirectoryObject);
