// The only JavaScript on a visitor's way: it cuts our cookies out of the header, asks the gate, and alone talks to
// the origin. What the gate promises is raced against a clock; the origin never is. What it returns: src/shell.rs.
import Edge from "../build/index.js";
import apology from "./web/fallback.html";
export { DirectoryObject, LobbyObject, RoomObject } from "../build/index.js";

// Without an instance: worker-build's are proxies that cost more than the gate itself.
const { admits, gate } = Edge.prototype;
const after = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));
const headers = { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Retry-After": "10", Anteroom: "unavailable" };
// What answers a form must not come back by itself.
const sorry = ({ method }) => new Response(method === "GET" ? apology : apology.replace(/<meta http-equiv.*/, ""), { status: 503, headers });

// A slice and no copy for whoever brings one. `room-` is looked for because other cookies are full of a, n, t and e.
function ours(cookies, from = 0, most = 8) {
  const at = cookies?.indexOf("room-", from) ?? -1;
  if (at < 0 || most === 0) return "";
  const end = cookies.indexOf(";", at);
  const pair = cookies.slice(cookies.lastIndexOf(";", at) + 1, end < 0 ? undefined : end);
  const more = end < 0 ? "" : ours(cookies, end, most - 1);
  return more ? `${pair};${more}` : pair;
}

function origin(request, env) {
  if (!env.ORIGIN) return fetch(request);
  const { host, pathname, search } = new URL(request.url);
  const forwarded = new Request(env.ORIGIN + pathname + search, request);
  forwarded.headers.set("X-Forwarded-Host", host);
  return fetch(forwarded, { redirect: "manual" });
}

async function answer(request, env, promised) {
  const verdict = promised instanceof Promise ? await Promise.race([promised, after(4000, null)]).catch(() => null) : promised;
  if (verdict === null || verdict instanceof Response) return verdict ?? sorry(request);
  if (verdict === undefined) return origin(request, env);
  const response = await origin(request, env);
  const line = Array.isArray(verdict) ? await Promise.race([verdict[0].catch(() => {}), after(150)]) : verdict;
  if (!line || response.webSocket) return response;
  const told = new Response(response.body, response);
  told.headers.append("Set-Cookie", line);
  return told;
}

export default {
  fetch(request, env, context) {
    let verdict;
    try {
      const { url } = request, cookies = ours(request.headers.get("Cookie"));
      if (env.ANTEROOM !== "off" && !(cookies && admits(url, cookies))) verdict = gate(request, url, cookies, env, context);
    } catch (error) {
      console.error("anteroom: the gate threw", error);
      // A panic ends the Wasm instance and all that is in its memory: making an instance of the class begins anew.
      globalThis.__worker_init_state.criticalError ||= error instanceof WebAssembly.RuntimeError;
      verdict = new Edge(context, env) && null;
    }
    return verdict === undefined ? origin(request, env) : answer(request, env, verdict);
  },
};
