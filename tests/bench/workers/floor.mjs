// The least that a poll and a join take here when nothing is decided, verified, signed or rendered: the same headers are read, the same
// calls made in the same company (src/leaves.mjs), one counter is durable before anybody hears, and an answer of the same size
// goes out. What our figures miss of a budget beyond this is ours to better; the rest is the runtime's.
import { DurableObject } from "cloudflare:workers";
import { send } from "../../../src/leaves.mjs";

const BODY = JSON.stringify({ cfWaitingRoom: { place: 1, padding: "x".repeat(660) } });
const HEADERS = { "Cache-Control": "no-store", "Content-Type": "application/json", "Retry-After": "2", Room: "waiting" };
const COOKIE = { ...HEADERS, "Set-Cookie": `anteroom-01020304=${"x".repeat(90)}; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax` };
const waiting = { headers: new Headers(HEADERS) };

export class Leaf extends DurableObject {
  ask(name, action, lines) {
    return this.env.ROOM.getByName("room").ask(lines);
  }
}

export class Counter extends DurableObject {
  joined = 0;
  ask(lines) {
    this.joined += lines.split("\n").length;
    this.ctx.storage.put("joined", this.joined);
    return lines;
  }
}

export default {
  async fetch(request, env, context) {
    const { url, headers } = request;
    const asked = [url, headers.get("Cookie"), headers.get("Accept"), headers.get("Accept-Language")];
    if (url.includes("/.anteroom/wait")) return new Response(BODY, asked.length ? waiting : undefined);
    await send(`?\nLOBBY\nroom/0\nask\n${asked[1]}`, env, context);
    return new Response(BODY, { headers: COOKIE });
  },
};
