#!/usr/bin/env bash
# Builds the "hello" that polls are compared with into target/bench/hello, with the tools and the locked versions of the Worker.
# It is built from a copy: a lock of its own would drift from the workspace's, and with it the version of wasm-bindgen.
set -euo pipefail
source "$(dirname "$0")/../../tools/lib.sh"
build_environment
crate="$root/target/bench/hello-crate" out="$root/target/bench/hello"
if [ -f "$out/hello_bg.wasm" ] && [ -z "$(find "$root/tests/bench/hello" "$root/tests/bench/hello.sh" "$root/Cargo.lock" -newer "$out/hello_bg.wasm")" ]; then exit 0; fi
say "building the hello that polls are compared with"
mkdir -p "$crate"
cp "$root"/tests/bench/hello/* "$root/Cargo.lock" "$crate"
(cd "$crate" && cargo build --quiet --release --target "$wasm_target")
wasm-bindgen "$CARGO_TARGET_DIR/$wasm_target/release/hello.wasm" --target web --no-typescript --out-dir "$out"
wasm-opt --detect-features -Oz --converge --strip-debug --strip-producers "$out/hello_bg.wasm" -o "$out/hello_bg.wasm"
touch "$out/hello_bg.wasm"
