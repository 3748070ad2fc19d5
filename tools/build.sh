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
# Once more over it for size. What is inlined compresses worse: a tenth.
wasm="$filling/index_bg.wasm"
optimise() { wasm-opt --detect-features "$@" "$wasm" -o "$wasm"; }
node tools/pack.mjs quiet "$wasm" "$wasm"
optimise --debuginfo -Oz --converge --always-inline-max-function-size=2 --one-caller-inline-max-function-size=4
node tools/pack.mjs order "$wasm" "$wasm"
optimise --debuginfo --reorder-functions-by-name
# Names are for debuggers.
optimise --strip-debug --strip-producers --strip-target-features
rm -rf build && mv "$filling" build
