// What an origin commands by a header of its answer. Only rooms that allow it look (`enabled_origin_commands`, src/settings.rs).
import { revoke } from "../build/index.js";
import { lay, recover } from "./core.mjs";
import { hear } from "./news.mjs";

// Ours, and the one that origins behind Cloudflare's own waiting room send already.
const NAMES = ["Anteroom-Command", "Cf-Waiting-Room-Command"];

/** What stands before a token that an app carries in our header (`CARRIED`, src/cookie.rs): no `Cookie` header can have it. */
export const CARRIED = "\r=";

/** What else than `Cache-Control` tells caches that they may keep an answer. */
const KEEPING = ["CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Surrogate-Control", "Expires"];

/** Puts a header line (src/cookie.rs) on an answer of the origin's. It is one person's from then on, and no cache may keep it, whatever the origin said. */
export function put(headers, line) {
  const colon = line.indexOf(":");
  headers.append(line.slice(0, colon), line.slice(colon + 2));
  headers.set("Cache-Control", "private, no-store");
  for (const name of KEEPING) headers.delete(name);
}

/** The request as if it had brought the token of this line. */
function bringing(asked, line) {
  const [url, , ...lines] = asked.split("\n"), value = line.slice(line.indexOf(":") + 2);
  return [url, line.startsWith("Set-Cookie") ? value.split(";", 1)[0] : CARRIED + value, ...lines].join("\n");
}

/** What the gate says of a command (`Edge::revoke`, src/edge.rs). Should it panic, no session ends: the origin's answer may be a purchase's, and is not lost. */
function heeded(asked) {
  try {
    return revoke(lay(asked));
  } catch (error) {
    recover(error);
    return "";
  }
}

/**
 * The answer as the visitor gets it: without the command and, where it ends their session, without their token. `kept` is the line of one they are given with
 * this very answer. Undefined if nothing is commanded, or the room does not listen.
 */
export function obeyed(response, asked, kept, sent, context) {
  const commands = NAMES.map((name) => response.headers.get(name)).filter((command) => command !== null);
  const said = commands.length ? heeded(kept ? bringing(asked, kept) : asked) : undefined;
  if (said === undefined) return undefined;
  let cookie = kept;
  if (said && commands.some((command) => command.trim().toLowerCase() === "revoke")) {
    const end = said.indexOf("\n"), errand = said.slice(end + 1);
    context.waitUntil(sent(errand).then((reply) => hear(errand, reply)).catch(recover));
    cookie = said.slice(0, end);
  }
  // An upgrade is heard, and goes through untouched.
  if (response.webSocket) return response;
  const told = new Response(response.body, response);
  for (const name of NAMES) told.headers.delete(name);
  if (cookie) put(told.headers, cookie);
  return told;
}
