// What the isolates of a data center tell each other through its cache (src/shared.rs): objects are asked by a few of them, and not by each.
import { after } from "./errands.mjs";
import { hear, overhear } from "./news.mjs";

/** Of our own: what lies in the zone's cache is another matter. */
const CACHE = "anteroom";
/** Who waits for an answer of ours waits no longer than this to hear whether somebody else has asked already. */
export const GLANCE_MS = 100;
/** As long as anything of ours may be acted on (`ROOMS_FRESH`, src/isolate.rs; `max_age_ms` of a board). */
const headers = { "Cache-Control": "max-age=10" };

async function found(place) {
  const cache = await caches.open(CACHE);
  return (await cache.match(place))?.text();
}

async function share(place, body) {
  const cache = await caches.open(CACHE);
  await cache.put(place, new Response(body, { headers }));
}

/** A cache that fails is one that has nothing, and keeps nothing. */
const nothing = () => {};

/** Runs an errand for something newer (`@`, src/verdict.rs), unless somebody here has a moment ago, and the gate learns from either. */
export async function refresh(errand, sent, context) {
  const place = errand.split("\n")[6];
  if (place && overhear(errand, await Promise.race([found(place).catch(nothing), after(GLANCE_MS)]))) return;
  const entry = hear(errand, await sent(errand));
  if (entry) context.waitUntil(share(place, entry).catch(nothing));
}
