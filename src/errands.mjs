// Calls to our objects: the one method that each of them has, and the patience that a caller has with it.
import { REGIONS } from "./region.mjs";

/** A silent object counts as failed. Nobody meets two silences of a kind in a row. Whoever is waited for meanwhile has less patience. */
export const PATIENCE_MS = 1900;

export const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Where a lobby shall live, for whoever asks it first: the region is in its name (durable/src/lobby.rs). */
function nearby(name) {
  const region = name.split("/")[1];
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

/** Runs an errand (durable/src/errand.rs): what the object says as text, empty if there is nothing. */
export async function run(errand, env, patience) {
  const [, binding, name, action, payload] = errand.split("\n");
  return (await call(() => way(env, binding, name), name, action, payload, patience)).said ?? "";
}
