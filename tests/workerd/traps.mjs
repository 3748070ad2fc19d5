// What build/index.js exports, with traps in it: in the tests that need them it goes by that name, and the real one by `whole.js`. A trap has the Wasm
// itself trap, as a panic does, before or after what was asked of it; what is deployed knows nothing of it.
import * as whole from "./whole.js";
export * from "./whole.js";

/** By what is called: `{ every, most, when, containing }`. Every so many calls that contain this text, one panics, so often at most. */
let traps = {};
const sprung = {};

export function setTraps(wanted) {
  traps = structuredClone(wanted);
  for (const name of Object.keys(sprung)) delete sprung[name];
}
/** How often each has sprung. */
export const sprungTraps = () => sprung;

/** More than there can be: the Wasm panics on its way to fetch it. */
export const panic = () => whole.inbox(0xffffffff);

/** The text that was laid for a call. */
const laidText = (laid) => new TextDecoder().decode(new Uint8Array(whole.heap().buffer, whole.inbox(0), laid));

function trapped(name, call, laid) {
  const trap = traps[name];
  if (!trap || (trap.containing && !(typeof laid === "number" ? laidText(laid) : String(laid)).includes(trap.containing))) return call();
  trap.calls = (trap.calls ?? 0) + 1;
  if (trap.calls % trap.every !== 0 || trap.calls > trap.every * (trap.most ?? Infinity)) return call();
  sprung[name] = (sprung[name] ?? 0) + 1;
  if (trap.when === "after") call();
  return panic();
}

export const admits = (laid, now) => trapped("admits", () => whole.admits(laid, now), laid);
export const revoke = (laid) => trapped("revoke", () => whole.revoke(laid), laid);
export const gate = (laid, env) => trapped("gate", () => whole.gate(laid, env), laid);
export const told = (laid, env) => trapped("told", () => whole.told(laid, env), laid);
export const learn = (laid) => trapped("learn", () => whole.learn(laid), laid);

export class RoomObject extends whole.RoomObject {
  step() { return trapped("room step", () => super.step()); }
  leaving() { return trapped("room leaving", () => super.leaving()); }
  left() { return trapped("room left", () => super.left()); }
}
export class LobbyObject extends whole.LobbyObject {
  ask(call, laid) { return trapped("lobby ask", () => super.ask(call, laid), laid); }
  heard(action, ...said) { return trapped("lobby heard", () => super.heard(action, ...said), action); }
}
export class DirectoryObject extends whole.DirectoryObject {
  ask(action, payload) { return trapped("directory ask", () => super.ask(action, payload), action); }
  heard(action, ...said) { return trapped("directory heard", () => super.heard(action, ...said), action); }
}
