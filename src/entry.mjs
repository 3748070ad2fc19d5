// The only JavaScript on a visitor's way: it cuts our cookies out of the header, asks the gate, and alone talks to
// the origin. What the gate promises is raced against a clock; the origin never is.
import { gate } from "../build/index.js";
import fallback from "./web/fallback.html";
export { DirectoryObject, LobbyObject, RoomObject } from "../build/index.js";

const PATIENCE_MS = 4000;
const RENEWAL_PATIENCE_MS = 150;
const after = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));
const headers = { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Retry-After": "10", Anteroom: "unavailable" };
const apology = () => new Response(fallback, { status: 503, headers });

const ours = (cookies) =>
  cookies?.includes("anteroom-") ? cookies.split(";").filter((pair) => pair.includes("anteroom-")).slice(0, 8).join(";") : "";

function origin(request, env) {
  if (!env.ORIGIN) return fetch(request);
  const { host, pathname, search, protocol } = new URL(request.url);
  const forwarded = new Request(env.ORIGIN + pathname + search, request);
  forwarded.headers.set("X-Forwarded-Host", host);
  forwarded.headers.set("X-Forwarded-Proto", protocol.slice(0, -1));
  return fetch(forwarded);
}

async function originWith(request, env, cookie) {
  const response = await origin(request, env);
  const line = typeof cookie === "string" ? cookie : await Promise.race([cookie.catch(() => undefined), after(RENEWAL_PATIENCE_MS)]);
  if (!line || response.webSocket) return response;
  const answer = new Response(response.body, response);
  answer.headers.append("Set-Cookie", line);
  return answer;
}

export default {
  async fetch(request, env, context) {
    if (env.ANTEROOM === "off") return origin(request, env);
    let verdict;
    try {
      verdict = gate(request, request.url, ours(request.headers.get("Cookie")), env, context);
      if (verdict instanceof Promise) verdict = await Promise.race([verdict, after(PATIENCE_MS, null)]);
    } catch (error) {
      console.error("anteroom: the gate threw", error);
      verdict = null;
    }
    if (verdict === undefined) return origin(request, env);
    if (verdict === null) return apology();
    if (verdict instanceof Response) return verdict;
    return originWith(request, env, Array.isArray(verdict) ? verdict[0] : verdict);
  },
};
