// The Room's core alone: a native program of its own (tests/bench/core), for neither workerd nor HTTP is in what it measures. It is
// built before it runs, and beside it runs nothing that has anything to do.
import { execFileSync } from "node:child_process";
import { root } from "./runtime.mjs";

export function measureCore() {
  const cargo = ["run", "--quiet", "--profile", "native", "-p", "anteroom-bench-core"];
  return JSON.parse(execFileSync("cargo", cargo, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }));
}
