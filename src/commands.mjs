// What an origin commands by a header of its answer. Only rooms that allow it look (`enabled_origin_commands`, src/settings.rs).
import { revoke } from "../build/index.js";
import { lay, recover } from "./core.mjs";
import { send } from "./leaves.mjs";
import { hear } from "./news.mjs";

// Ours, and the one that origins behind Cloudflare's own waiting room send already.
const NAMES = ["Anteroom-Command", "Cf-Waiting-Room-Command"];

/** The request as if it had brought the cookie of this `Set-Cookie` line. */
function bringing(asked, line) {
  const [url, , ...lines] = asked.split("\n");
  return [url, line.split(";", 1)[0], ...lines].join("\n");
}

/**
 * The answer as the visitor gets it: without the command and, where it ends their session, without their cookie. `kept` is a cookie they are given with this
 * very answer. Undefined if nothing is commanded, or the room does not listen.
 */
export function obeyed(response, asked, kept, env, context) {
  const commands = NAMES.map((name) => response.headers.get(name)).filter((command) => command !== null);
  const said = commands.length ? revoke(lay(kept ? bringing(asked, kept) : asked)) : undefined;
  if (said === undefined) return undefined;
  let cookie = kept;
  if (said && commands.some((command) => command.trim().toLowerCase() === "revoke")) {
    const end = said.indexOf("\n"), errand = said.slice(end + 1);
    context.waitUntil(send(errand, env, context).then((reply) => hear(errand, reply)).catch(recover));
    cookie = said.slice(0, end);
  }
  // An upgrade is heard, and goes through untouched.
  if (response.webSocket) return response;
  const told = new Response(response.body, response);
  for (const name of NAMES) told.headers.delete(name);
  if (cookie) told.headers.append("Set-Cookie", cookie);
  return told;
}
