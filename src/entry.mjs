// The only JavaScript on a visitor's way: it cuts our cookies out of the header, asks the gate, and alone talks to
// the origin. What the gate promises is raced against a clock; the origin never is. What it returns: src/shell.rs.
import Edge from "../build/index.js";
import apology from "./web/fallback.html";
export { DirectoryObject, LobbyObject, RoomObject } from "../build/index.js";
const after = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));
const ours = (cookies) => cookies?.includes("anteroom-") ? cookies.split(";").filter((pair) => pair.includes("anteroom-")).slice(0, 8).join(";") : "";
const headers = { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Retry-After": "10", Anteroom: "unavailable" };
// What answers a form must not come back by itself.
const sorry = ({ method }) => new Response(method === "GET" ? apology : apology.replace(/<meta http-equiv.*/, ""), { status: 503, headers });
let edge; // It lets a Wasm instance that panicked begin anew.

function origin(request, env) {
  if (!env.ORIGIN) return fetch(request);
  const { host, pathname, search } = new URL(request.url);
  const forwarded = new Request(env.ORIGIN + pathname + search, request);
  forwarded.headers.set("X-Forwarded-Host", host);
  return fetch(forwarded, { redirect: "manual" });
}

export default {
  async fetch(request, env, context) {
    if (env.ANTEROOM === "off") return origin(request, env);
    let verdict = null;
    try {
      edge ??= new Edge(context, env);
      verdict = edge.gate(request, request.url, ours(request.headers.get("Cookie")), env, context);
      if (verdict instanceof Promise) verdict = await Promise.race([verdict, after(4000, null)]);
    } catch (error) {
      console.error("anteroom: the gate threw", error);
    }
    if (verdict === null || verdict instanceof Response) return verdict ?? sorry(request);
    const response = await origin(request, env); // undefined, a cookie line, or an array with the promise of one
    const line = Array.isArray(verdict) ? await Promise.race([verdict[0].catch(() => {}), after(150)]) : verdict;
    if (!line || response.webSocket) return response;
    const answer = new Response(response.body, response);
    answer.headers.append("Set-Cookie", line);
    return answer;
  },
};
