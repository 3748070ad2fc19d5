// Who was let through a moment ago. A page comes with dozens of parts, each of which brings the same cookies to the same host, and its gate
// should cost as good as nothing: what the gate said of the first holds for the others as long as the gate said it does.
//
// A decision stands until the board it was made from may not be acted on any more, or the pass is due: nothing would have to be taken back
// earlier. Yet when this isolate hears that passes have ended (news.mjs), all is forgotten: whoever left is outside at once. A token is found
// by a hash of all of it, under a key that only the runtime knows: how long that takes tells nobody how much of a guess was right.

import { watching } from "./health.mjs";

/** So many are remembered; with more, all are forgotten. */
const MOST = 2_000;
/** In the query of what our page's script asks (web/waiting.js): it is told that it is inside, and never taken there. */
export const CLAIM = "anteroom-claim=1";
/**
 * What follows a route's path and is certainly below it, and none of ours: whole segments without `%`, `\`, `;`, and no dot begins them;
 * and a query without that mark.
 */
const BELOW = new RegExp(`(?:/(?![/.])[^/?%\\\\;]*)*(?:\\?(?!.*${CLAIM})|$)`, "y");

const recent = new Map();

/** Nothing that was decided stands any more. */
export const forget = () => recent.clear();

/** What is remembered of who brings these cookies to this address, if they were let through so a moment ago, here or beside it. */
export function wasAdmitted(cookies, url, now) {
  const held = recent.get(cookies);
  if (!held || now < held.since || now >= held.until || !url.startsWith(held.beginning)) return undefined;
  BELOW.lastIndex = held.beginning.length;
  return BELOW.test(url) ? held : undefined;
}

/**
 * Remembers an admission (`Edge::admits`, src/edge.rs). Its cookies are those that the request brought, in a text of their own: a slice of the
 * header would keep the whole header in memory. What is remembered comes back.
 */
export function remember(admission, now) {
  const [until, beginning, cookies, words] = admission.split("\n");
  if (recent.size >= MOST) recent.clear();
  const held = { since: now, until: Number(until), beginning, watch: watching(words) };
  recent.set(cookies, held);
  return held;
}
