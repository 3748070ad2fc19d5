#!/usr/bin/env bash
# Builds the Worker into build/. wrangler calls it, by [build] in wrangler.toml.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"
# On a machine without a compiler's worth of tools, `wrangler deploy` alone is enough.
[ -d "$tools" ] && [ -d "$modules" ] || tools/setup.sh build
build_environment
# Nothing to do if nothing changed: wrangler calls this at every start.
newest=$(find src durable/src Cargo.toml Cargo.lock durable/Cargo.toml tools -newer build/index_bg.wasm -type f 2>/dev/null | head -n 1 || true)
if [ -f build/index_bg.wasm ] && [ -z "$newest" ]; then exit 0; fi
say "building the Worker"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! worker-build --release >"$log" 2>&1; then
  cat "$log" >&2
  fail "the Worker does not build"
fi
# Names are for debuggers: without them, and once more over it for size.
"$WASM_OPT_BIN" --detect-features -Oz --converge --strip-debug --strip-producers build/index_bg.wasm -o build/index_bg.wasm
touch build/index_bg.wasm
