// Anteroom with a door to its emergency: `/trap` has the Wasm trap, as a panic does, whatever else is going on; `/generation` says how often
// it began anew.
import { inbox } from "../../build/index.js";
import { generation, recover } from "../../src/core.mjs";
import entry from "../../src/entry.mjs";
export * from "../../src/entry.mjs";

export default {
  fetch(request, env, context) {
    if (request.url.endsWith("/generation")) return new Response(String(generation));
    if (!request.url.endsWith("/trap")) return entry.fetch(request, env, context);
    try {
      // More than there can be.
      inbox(0xffffffff);
    } catch (error) {
      recover(error);
      return new Response(error.message);
    }
    throw new Error("the Wasm did not trap");
  },
};
