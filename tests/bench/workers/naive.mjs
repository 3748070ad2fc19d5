// A waiting room as it is first thought of: every join is a call to one Durable Object, which stores the counter, and whose answer
// the runtime holds back until that is durable. It verifies and signs nothing and renders nothing: only the way through the
// object is compared. Written with `put`, with `get` and `put`, or with one statement of SQL it is as fast.
import { DurableObject } from "cloudflare:workers";

export class Counter extends DurableObject {
  constructor(context, env) {
    super(context, env);
    context.blockConcurrencyWhile(async () => {
      this.joined = (await context.storage.get("joined")) ?? 0;
    });
  }
  async fetch() {
    this.joined += 1;
    this.ctx.storage.put("joined", this.joined);
    return Response.json({ place: this.joined });
  }
}

export default {
  async fetch(request, env) {
    return env.COUNTER.getByName("room").fetch(request);
  },
};
