// Where a request comes in. This cuts our cookies out of the header, asks the gate, and alone talks to the origin. The gate, in Wasm,
// takes text and answers text; it never waits: what it wants to know from our objects is an errand that is run here.
import { admits, chore, gate, operate } from "../build/index.js";
import { CARRIED, obeyed, put } from "./commands.mjs";
import { generation, lay, recover } from "./core.mjs";
import { PATIENCE_MS, after } from "./errands.mjs";
import { all, few, wanted } from "./headers.mjs";
import { watched, watching } from "./health.mjs";
import { send } from "./leaves.mjs";
import { tell } from "./news.mjs";
import { filled } from "./pages.mjs";
import { CLAIM, remember, wasAdmitted } from "./recent.mjs";
import { GLANCE_MS, refresh } from "./shared.mjs";
import apology from "./web/fallback.html";
export { DirectoryObject, LobbyObject, RoomObject } from "./objects.mjs";

const unavailable = { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Retry-After": "10", Anteroom: "unavailable" };
// What answers a form must not come back by itself.
const sorry = ({ method }) =>
  new Response(method === "GET" ? apology : apology.replace(/<meta http-equiv.*/, ""), { status: 503, headers: unavailable });

// A slice and no copy for whoever brings one. `room-` is looked for because other cookies are full of a, n, t and e; ours have it in their names. However many
// stand around them, each pair is looked at once: what another host of the site sets must hide none of ours, and the platform bounds the header.
function ours(cookies) {
  let found = "";
  for (let end = 0, at; end >= 0 && (at = cookies?.indexOf("room-", end) ?? -1) >= 0; ) {
    end = cookies.indexOf(";", at);
    if (!cookies.startsWith("ante", at - 4)) continue;
    const pair = cookies.slice(cookies.lastIndexOf(";", at) + 1, end < 0 ? undefined : end);
    if (pair.indexOf("=") > pair.indexOf("anteroom-")) found = found ? `${found};${pair}` : pair;
  }
  return found;
}

/** Behind the cookies the token that an app carries (docs/apps.md), if it does: whether one of them counts before it, is for the room to say. */
function withCarried(cookies, headers) {
  const token = headers.get("Anteroom-Token");
  return token === null ? cookies : `${cookies && `${cookies};`}${CARRIED}${token}`;
}

/** How every pass begins (`Pass`, durable/src/token.rs): its domain byte, 3. Tickets and arrivals need not be looked at twice. */
const PASS = "=Aw";

/** Let through, and nothing is remembered of it. */
const ONCE = {};

/** What is known of a good pass among these cookies, if there is one, as far as can be told without a glance at anything else. */
function passes(cookies, url) {
  const now = Date.now(), held = wasAdmitted(cookies, url, now);
  if (held) return held;
  if (!cookies.includes(PASS) || url.includes(CLAIM)) return undefined;
  const admission = admits(lay(`${url}\n${cookies}`), now);
  return admission ? remember(admission, now) : admission === undefined ? undefined : ONCE;
}

function origin(request, env) {
  if (!env.ORIGIN) return fetch(request);
  const { host, pathname, search } = new URL(request.url);
  const forwarded = new Request(env.ORIGIN.replace(/\/$/, "") + pathname + search, request);
  forwarded.headers.set("X-Forwarded-Host", host);
  return fetch(forwarded, { redirect: "manual" });
}

/** The origin's answer as it is, looked at or not (health.mjs). */
function lookedAt(answer, watch, request, env, context) {
  return watch ? watched(answer, watch, request, (errand) => context.waitUntil(send(errand, env, context, request).catch(recover))) : answer;
}

/** Status and headers of an answer of ours (src/answer.rs). None of the headers comes twice. */
function parsed(head) {
  const headers = {};
  for (let from = 4; from < head.length; ) {
    const colon = head.indexOf(":", from), next = head.indexOf("\n", colon);
    headers[head.slice(from, colon)] = head.slice(colon + 2, next);
    from = next + 1;
  }
  return { status: Number(head.slice(0, 3)), headers };
}

// The heads of polls are short and few: made once, each answer is two microseconds less.
const heads = new Map();
function answer(text) {
  const end = text.indexOf("\n\n") + 1, head = text.slice(0, end);
  let init = heads.get(head);
  if (!init) {
    init = parsed(head);
    if (end < 120 && heads.size < 500) heads.set(head, { ...init, headers: new Headers(init.headers) });
  }
  return new Response(text.slice(end + 1), init);
}

/** An answer of ours, come what may. */
function answered(request, verdict) {
  try {
    return answer(verdict[0] === "=" ? filled(verdict) : verdict);
  } catch (error) {
    recover(error);
    return sorry(request);
  }
}

/** Whoever goes to the origin and is told something by the way, or may be by the origin. */
async function originWith(request, env, context, asked, renewal, sent, watch) {
  const response = await lookedAt(origin(request, env), watch, request, env, context);
  const verdict = typeof renewal === "string" ? renewal : await Promise.race([renewal, after(150)]);
  const kept = verdict?.[0] === "+" ? verdict.slice(1) : undefined;
  const commanded = obeyed(response, asked, kept, sent, context);
  if (commanded || !kept || response.webSocket) return commanded ?? response;
  const told = new Response(response.body, response);
  put(told.headers, kept);
  return told;
}

/**
 * A body as text; of one that is longer than operators may send (`BODY_BYTES_MAX`, src/operator.rs) no more than shows it. The rest is read
 * and dropped: whoever is cut off while they write hears of no reason.
 */
async function bodyOf(request) {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of request.body ?? []) {
    if (text.length <= 64 * 1024) text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

async function operators(request, env, sent, asked) {
  const { headers } = request;
  const form = `${headers.get("Authorization") ?? ""}\n${headers.get("Anteroom-CSRF") ?? ""}\n${await bodyOf(request)}`;
  const judged = (reply) => operate(lay(`${asked}\0${reply ?? ""}\0${form}`), env, reply !== undefined);
  const verdict = judged();
  return verdict[0] === "?" ? judged(await sent(verdict)) : verdict;
}

/** What is asked of the gate, with some of the request's headers. */
const asking = ({ url }, cookies, lines) => `${url}\n${cookies}\n${lines}`;

/** The gate's verdict. Which headers it needs, the gate says as it comes to know: `laid` is then what was asked in the end. */
function judged(request, env, laid) {
  let verdict = gate(lay(laid.asked), env);
  while (verdict?.[0] === "#") {
    laid.asked = asking(request, laid.cookies, wanted(request, verdict));
    verdict = gate(lay(laid.asked), env);
  }
  return verdict;
}

/**
 * An answer of ours takes four seconds at most, however many objects are slow: an errand that would begin later than this is not run, and is as one that
 * nobody answered.
 */
const LAST_ERRAND_MS = 4_000 - PATIENCE_MS - GLANCE_MS;

/** Follows the verdicts (src/verdict.rs) to the one that is the end. */
async function follow(request, env, context, run, laid, verdict) {
  const since = Date.now(), sent = (errand) => (Date.now() - since <= LAST_ERRAND_MS ? run(errand) : "");
  try {
    // Directory, board, a newer board, a wish: no request needs more. But an instance that began anew meanwhile knows nothing of them.
    for (let errands = 0, lives = 0, of = generation; errands < 5 && lives < 3; errands += 1) {
      if (of !== generation) [errands, lives, of] = [0, lives + 1, generation];
      if (verdict?.[0] === "@") {
        await refresh(verdict, sent, context);
        verdict = judged(request, env, laid);
      } else if (verdict?.[0] === "?") {
        verdict = tell(laid.asked, verdict, await sent(verdict), env);
      } else {
        return verdict?.[0] === "*" ? await operators(request, env, sent, laid.asked) : verdict;
      }
    }
  } catch (error) {
    recover(error);
  }
  return "!";
}

async function conclude(request, env, context, laid, first) {
  const sent = (errand) => send(errand, env, context, request);
  const verdict = await follow(request, env, context, sent, laid, first), { asked } = laid;
  switch (verdict?.[0]) {
    case undefined:
      return origin(request, env);
    case "+":
      return originWith(request, env, context, asked, verdict, sent);
    case "-":
      return originWith(request, env, context, asked, verdict, sent, watching(verdict.slice(1)));
    case "~": {
      const renewal = sent(verdict).then((reply) => tell(asked, verdict, reply, env)).catch(recover);
      return originWith(request, env, context, asked, renewal, sent);
    }
    case "!":
      return sorry(request);
    default:
      return answered(request, verdict);
  }
}

export default {
  fetch(request, env, context) {
    let verdict, laid, held;
    try {
      const { url, headers } = request, kept = ours(headers.get("Cookie"));
      if (env.ANTEROOM !== "off" && !(held = passes(kept, url))) {
        const cookies = withCarried(kept, headers);
        if (cookies === kept || !(held = passes(cookies, url))) {
          laid = { cookies, asked: asking(request, cookies, url.includes("/.anteroom/wait") ? few(request) : all(request)) };
          verdict = judged(request, env, laid);
          for (let errand = chore(); errand; errand = chore()) {
            context.waitUntil(refresh(errand, (due) => send(due, env, context, request), context).catch(recover));
          }
        }
      }
    } catch (error) {
      recover(error);
      return sorry(request);
    }
    if (verdict === undefined) return lookedAt(origin(request, env), held?.watch, request, env, context);
    return verdict[0] >= "0" && verdict[0] <= "=" ? answered(request, verdict) : conclude(request, env, context, laid, verdict);
  },
};
