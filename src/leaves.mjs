// Wishes of an isolate's visitors on their way to the leaf lobbies of their regions. The first goes at once; who comes while a call of the same leaf is under
// way travels with the next one. So at noon an isolate calls a leaf a few hundred times a second at most, however many come.
import { after, call, PATIENCE_MS, run, way } from "./errands.mjs";
import { taken } from "./health.mjs";
import { hear } from "./news.mjs";
import { regionOf } from "./region.mjs";

/** So long does a wish wait for the call under way to land. */
const GATHER_MS = 20;
/** Calls that carry several leave so far apart: a call costs as much as ten joins, whoever it carries. */
const SPACING_MS = 4;
/**
 * By leaf: the newest call's group while it is `underway`, the `group` that gathers for the next, and what tells its first to `land`.
 * Code goes on in the request whose promise it waits for. So nobody waits for a promise of somebody else's: each makes one, and others
 * resolve it. They are made by `withResolvers`: `new Promise`, once V8 has optimised the code around it, makes one that belongs to no
 * request, and whoever waits for it goes on in the request of whoever resolves it, where they may not answer their own (ADR 7).
 */
const leaves = new Map();

/** A leaf's answer to who asks too much, and where too many ask: their place and their pass stay what they are. */
const BUSY = '{"outcome":"busy"}', OVERLOADED = '{"outcome":"overloaded"}';

/**
 * Whether one more call may be made in this name. The binding counts for all isolates of a data center, and is a guard and no account: where it is not
 * bound, or fails, everybody may.
 */
async function allows({ CALLS }, key) {
  try {
    return (await CALLS.limit({ key })).success;
  } catch (error) {
    console.error(`anteroom: CALLS could not be asked: ${error}`);
    return true;
  }
}

/** The call of a gathered group: the leaf's answer to the first, while the others are told theirs. */
async function travel(env, name, leaf, group) {
  if (leaf.underway) {
    leaf.group = group;
    leaf.gathersUntil = Date.now() + 10 * GATHER_MS;
    const { promise, resolve } = Promise.withResolvers();
    leaf.land = resolve;
    setTimeout(resolve, GATHER_MS);
    await promise;
    const early = leaf.leftAt + SPACING_MS - Date.now();
    // A clock that jumped back would make it an hour.
    if (early > 0) await after(Math.min(early, SPACING_MS));
    leaf.group = undefined;
  }
  leaf.underway = group;
  leaf.leftAt = Date.now();
  const lines = group.map(({ payload }) => payload), seen = taken(name.slice(0, name.indexOf("/")), leaf.leftAt);
  // The last line: nobody waits for its answer.
  if (seen) lines.push(seen);
  const { said, overloaded } = await call(() => way(env, "LOBBY", name), name, "ask", lines.join("\n"));
  if (leaf.underway === group) leaf.underway = undefined;
  leaf.land?.();
  // What is asked too much is not asked again by us: whoever has nothing yet is joining.
  const answers = overloaded ? group.map(() => OVERLOADED) : (said ?? "").split("\n");
  // The news of the room stand in the first answer alone.
  if (group.length > 1) hear(group[0].errand, answers[0]);
  group.forEach(({ tell }, index) => tell?.(answers[index] ?? ""));
  return answers[0];
}

/**
 * Runs an errand, in company if it goes to a leaf: what the object says, empty if there is nothing. What another request's call brings is
 * waited for with a patience of one's own, for requests can end at any time; whoever calls for others goes on when their own visitor
 * has left.
 */
export async function send(errand, env, context, { cf } = {}) {
  const [, binding, of, , payload, holder] = errand.split("\n");
  if (binding !== "LOBBY") return run(errand, env);
  // The gate names a room and the leaf of a neighbourhood (src/verdict.rs).
  const name = of.replace("/", `/${regionOf(cf)}/`);
  if (holder && env.CALLS && !(await allows(env, `${of.slice(0, of.indexOf("/"))} ${holder}`))) return BUSY;
  let leaf = leaves.get(name);
  if (!leaf) leaves.set(name, (leaf = {}));
  // The first of a group may have been ended by the platform: then it never goes.
  const left = leaf.gathersUntil - Date.now();
  if (leaf.group && left > 0 && left <= 10 * GATHER_MS) {
    const { promise, resolve: tell } = Promise.withResolvers();
    leaf.group.push({ payload, tell });
    setTimeout(tell, GATHER_MS + SPACING_MS + PATIENCE_MS, "");
    return promise;
  }
  const travelling = travel(env, name, leaf, [{ errand, payload }]);
  context.waitUntil(travelling);
  return travelling;
}
