// How the Worker fills its pages, outside of it: what is in src/web is text, as wrangler.toml has it.
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

const load = (url, context, next) => {
  if (!url.includes("/src/web/")) return next(url, context);
  return { format: "module", source: `export default ${JSON.stringify(readFileSync(new URL(url), "utf8"))}`, shortCircuit: true };
};
const hooks = registerHooks({ load });
export const { filled } = await import("../../src/pages.mjs");
hooks.deregister();
