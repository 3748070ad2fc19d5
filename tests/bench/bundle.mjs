// Makes what the Workers of the benchmark import beside the tree: `crowdhandler-sdk` in one file, bundled with the settings that
// wrangler bundles a Worker with. Its SHA-256 takes a runtime with a `process` for Node.js and asks it for `require`, which is not
// there: it is told to use its own, as on Workers of the time it was written for.
import { buildSync } from "esbuild";
import { join } from "node:path";
import { built, root } from "./runtime.mjs";

export function bundleCrowdhandler() {
  const file = join(built, "crowdhandler-sdk.mjs");
  buildSync({
    entryPoints: ["crowdhandler-sdk"], absWorkingDir: join(root, "tests/bench"), bundle: true, outfile: file,
    format: "esm", target: "es2024", platform: "browser", conditions: ["workerd", "worker", "browser"],
    define: { "process.env.NODE_ENV": '"production"', "process.versions.node": "undefined" }, logLevel: "error",
  });
  return file;
}
