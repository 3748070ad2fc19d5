// Calls to our objects: the one method that each of them has, and the patience that a caller has with it.
import { REGIONS } from "./region.mjs";

/** A silent object counts as failed. Nobody meets two silences of a kind in a row. Whoever is waited for meanwhile has less patience. */
export const PATIENCE_MS = 1900;

export const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Where an object shall live, for whoever asks it first: the region is in its name, a lobby's (durable/src/lobby.rs) and a Room's that moved (durable/src/moving.rs). */
function nearby(name) {
  const region = name.split(/[/~]/)[1];
  return REGIONS.has(region) ? { locationHint: region } : undefined;
}

/** A way to an object. By one way calls arrive in the order in which they left; where one has failed, the next goes by a new one. */
export const way = (env, binding, name) => env[binding].getByName(name, nearby(name));

/** What an object says by the way that `find` finds, and whether it may be asked again; nothing if it fails: then it may or may not have happened. */
export function call(find, name, action, payload, patience = PATIENCE_MS) {
  return new Promise((resolve) => {
    // One promise for the answer and the patience: `Promise.race` makes four.
    const timer = setTimeout(resolve, patience, {});
    const heard = (said) => {
      clearTimeout(timer);
      resolve(said);
    };
    const failed = (error) => {
      console.error(`anteroom: ${name} could not be asked: ${error}`);
      heard({ overloaded: error?.overloaded === true });
    };
    try {
      find().ask(name, action, payload).then((said) => heard({ said }), failed);
    } catch (error) {
      failed(error);
    }
  });
}

/** By its id, the object in which a room lives that has moved: as those said that were asked before. */
const homes = new Map();
const home = (room) => homes.get(room) ?? room;
const moves = (name) => Number(name.split("~")[2] ?? 0);
/** Who has not heard of so many moves does not hear of them all at once. */
const HOPS_MAX = 8;

/** Whether that is where a room lives from now on. A room moves on from there alone, so the later object is the right one. */
function hasMoved(room, said) {
  if (typeof said !== "string" || said[0] !== "~") return false;
  const name = said.slice(1);
  if (moves(name) > moves(home(room))) homes.set(room, name);
  return true;
}

/** `call` for a Room, wherever it lives: `find` finds the way to an object of this name. Asked where it was it carries out nothing, so it is asked again with the same. */
export async function callRoom(find, room, action, payload, patience) {
  for (let hops = 0; hops < HOPS_MAX; hops += 1) {
    const name = home(room), answer = await call(() => find(name), name, action, payload, patience);
    if (!hasMoved(room, answer.said)) return answer;
  }
  return {};
}

/** Runs an errand (durable/src/errand.rs): what the object says as text, empty if there is nothing. */
export async function run(errand, env, patience) {
  const [, binding, name, action, payload] = errand.split("\n");
  const find = (named) => way(env, binding, named);
  const { said } = await (binding === "ROOM" ? callRoom(find, name, action, payload, patience) : call(() => find(name), name, action, payload, patience));
  return said ?? "";
}
