// Anteroom, whose objects can be made unreachable, overloaded or slow from outside, each for who calls it, and whose calls can be made to look as those of
// another version do (versions.mjs). The host `faults` is the switch; what is deployed is not touched.
import { setTraps, sprungTraps } from "../../build/index.js";
import { generation } from "../../src/core.mjs";
import entry, * as anteroom from "../../src/entry.mjs";
import { said, heard } from "./versions.mjs";

/** By link, such as `edge>LOBBY`: what is wrong with it, so long as it is there, and which version speaks at its other end. */
let faults = {}, versions = {}, calls = {}, reworded = {};
/** What the platform's rate limit says of every call in somebody's name, if it is bound; and in whose names it was asked. */
let limit, names = [];
/** What is wrong with the bucket of the board's mirror, and what has been written there, or was to be. */
let bucket, written = [];

/** Sets what is named, and says what has been called since the last time. */
function control({ faults: wanted, traps, versions: spoken, limit: said, bucket: broken }) {
  const told = { calls, names, reworded, generation, written, sprung: { ...sprungTraps() } };
  calls = {}, names = [], reworded = {}, written = [];
  [limit, bucket] = [said, broken];
  if (wanted) faults = wanted;
  if (traps) setTraps(traps);
  if (spoken) versions = spoken;
  return told;
}

/** Calls an object as whoever has its binding can, with these bytes: what it says, or what it throws. */
async function send(env, { binding, name, action, bytes }) {
  try {
    return { said: await env[binding].getByName(name).ask(name, action, Uint8Array.from(bytes)) };
  } catch (error) {
    return { thrown: error.message };
  }
}

const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function called(object, link, [name, action, payload]) {
  const counted = `${link} ${action}`;
  calls[counted] = (calls[counted] ?? 0) + 1;
  const fault = faults[link];
  if (fault === "unreachable") throw new Error("Network connection lost.");
  if (fault === "overloaded") throw Object.assign(new Error("Durable Object is overloaded."), { overloaded: true });
  const version = versions[link], asked = version ? said(version, action, payload) : payload;
  const answer = await object.ask(name, action, asked);
  // It has happened; only word of it comes late, or when nobody holds it back any more.
  if (typeof fault === "number") await after(fault);
  while (fault === "held" && faults[link] === "held") await after(10);
  const told = version ? heard(version, action, answer) : answer;
  if (asked !== payload) reworded[`${counted}, asked`] = true;
  if (told !== answer) reworded[`${counted}, answered`] = true;
  return told;
}

const CALLS = {
  limit: async ({ key }) => {
    names.push(key);
    if (limit === "broken") throw new Error("Internal error.");
    return { success: limit === "allows" };
  },
};

const MIRROR = {
  put: async (key, text) => {
    written.push({ key, at: Date.now(), board: JSON.parse(text) });
    if (bucket === "unreachable") throw new Error("put: Unspecified error (0)");
    if (bucket === "silent") await new Promise(() => {});
  },
};

/** The environment of somebody who calls objects. */
function faulty(env, caller) {
  const namespaces = ["ROOM", "LOBBY", "DIRECTORY"].filter((binding) => env[binding]).map((binding) => [binding, {
    getByName: (object, options) => ({ ask: (...asked) => called(env[binding].getByName(object, options), `${caller}>${binding}`, asked) }),
  }]);
  return { ...env, ...Object.fromEntries(namespaces), ...(limit && { CALLS }) };
}

export class RoomObject extends anteroom.RoomObject {
  constructor(ctx, env) { super(ctx, faulty({ ...env, MIRROR }, "room")); }
}
export class LobbyObject extends anteroom.LobbyObject {
  constructor(ctx, env) { super(ctx, faulty(env, "lobby")); }
}
export class DirectoryObject extends anteroom.DirectoryObject {
  constructor(ctx, env) { super(ctx, faulty(env, "directory")); }
}

export default {
  fetch(request, env, context) {
    const { hostname, search } = new URL(request.url);
    if (hostname === "faults") {
      const { sends, ...wanted } = JSON.parse(decodeURIComponent(search.slice(1)));
      return sends ? send(env, sends).then((told) => Response.json(told)) : Response.json(control(wanted));
    }
    // A request that panics by itself, wherever it meets the Wasm first.
    if (request.headers.has("Panic")) setTraps({ gate: { every: 1 } });
    try {
      return entry.fetch(request, faulty(env, "edge"), context);
    } finally {
      if (request.headers.has("Panic")) setTraps({});
    }
  },
};
