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
cargo build --quiet --release --lib --target "$wasm_target"
filling=build.filling.$$
trap 'rm -rf "$filling"' EXIT
wasm-bindgen "$CARGO_TARGET_DIR/$wasm_target/release/anteroom.wasm" --out-dir "$filling" --out-name index \
  --target web --no-typescript --omit-default-module-path --experimental-reset-state-function
# Once more over it for size. What is inlined compresses worse: a tenth. Sorted by name, functions stand beside their likes.
wasm="$filling/index_bg.wasm"
wasm-opt --detect-features --debuginfo -Oz --converge --always-inline-max-function-size=2 --one-caller-inline-max-function-size=4 \
  --reorder-functions-by-name "$wasm" -o "$wasm"
# Names are for debuggers.
wasm-opt --detect-features --strip-debug --strip-producers "$wasm" -o "$wasm"
rm -rf build && mv "$filling" build
