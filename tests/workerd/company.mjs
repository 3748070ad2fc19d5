// A Worker that does nothing but send wishes in company (src/leaves.mjs), to a leaf that holds its answers back until it is told to let go.
import { DurableObject } from "cloudflare:workers";
import { send } from "../../src/leaves.mjs";

const LEAF = "room/near/0";

export class Leaf extends DurableObject {
  held = [];
  ask(name, action, lines) {
    const answer = new Promise((resolve) => this.held.push({ wishes: lines.split("\n"), resolve }));
    this.awaited?.();
    return answer;
  }
  /** The calls that are held, each as its wishes, once these have `count`. */
  async calls(count) {
    for (;;) {
      const calls = this.held.map(({ wishes }) => wishes);
      if (calls.flat().length >= count) return calls;
      await new Promise((resolve) => (this.awaited = resolve));
    }
  }
  letGo() {
    for (const { wishes, resolve } of this.held.splice(0)) resolve(wishes.map((wish) => `for ${wish}`).join("\n"));
  }
}

export default {
  async fetch(request, env, context) {
    const leaf = env.LOBBY.getByName(LEAF), { pathname, searchParams } = new URL(request.url);
    if (pathname === "/calls") return Response.json(await leaf.calls(Number(searchParams.get("wishes"))));
    if (pathname === "/let-go") return new Response(await leaf.letGo());
    return new Response(await send(`?\nLOBBY\nroom/0\nask\n${pathname.slice(1)}`, env, context));
  },
};
