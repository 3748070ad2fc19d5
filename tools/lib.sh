# What the scripts share: where tools live, and which versions. Sourced, never run.
# Everything that is installed goes to one folder that later clones reuse; ANTEROOM_CACHE names another.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${ANTEROOM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/anteroom}

# The command line must be of exactly the version that the Worker is linked against.
wasm_bindgen_version=$(awk '$0 == "name = \"wasm-bindgen\"" { getline; gsub(/[^0-9.]/, ""); print }' "$root/Cargo.lock")
wasm_target=wasm32-unknown-unknown
tools="$cache/wasm-bindgen-$wasm_bindgen_version"
modules="$root/tests/node_modules"
# Of the manifest's `rust-version`.
rust_minor=$(sed -n 's/^rust-version = "1\.\([0-9]*\)".*/\1/p' "$root/Cargo.toml")
cargo_deny_version=0.20.2
cargo_deny="$cache/cargo-deny-$cargo_deny_version"

say() { printf '\033[1manteroom:\033[0m %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# A folder that is complete or not there at all: filled beside its place, and moved into it at the end.
# usage: complete FOLDER COMMAND... (the command finds the folder to fill in $filling)
complete() {
  local folder=$1 filling=$1.filling.$$
  shift
  [ -d "$folder" ] && return 0
  # What others began and left; what they are at just now stays.
  find "$(dirname "$folder")" -maxdepth 1 -name "$(basename "$folder").filling.*" -mmin +60 -exec rm -rf {} + 2>/dev/null || true
  mkdir -p "$filling"
  filling=$filling "$@"
  # Somebody else may have been faster.
  if [ -d "$folder" ]; then rm -rf "$filling"; else mv "$filling" "$folder"; fi
}

# Where rustup has no standard library for Wasm and cannot fetch one, Debian's compiler has its source.
debian_rustc=/usr/bin/rustc
sysroot() { printf '%s/sysroot-%s' "$cache" "$("$debian_rustc" --version | tr -c 'A-Za-z0-9.\n' '-' | cut -c1-60)"; }

has_debian_sysroot() { [ -x "$debian_rustc" ] && [ -d "$(sysroot)" ]; }

has_wasm_target() { [ -d "$(rustc --print sysroot)/lib/rustlib/$wasm_target/lib" ]; }

# The environment in which the Worker builds.
build_environment() {
  export PATH="$tools/bin:$modules/.bin:$PATH"
  # The Worker's crates are built for another target by another compiler: apart from the native ones.
  export CARGO_TARGET_DIR="$root/target/worker"
  if ! has_wasm_target; then
    local linker
    linker=$(find "$(rustc --print sysroot)" -name rust-lld -type f | head -n 1)
    export RUSTC="$(sysroot)/rustc" CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$linker"
    export PATH="$(sysroot):$PATH"
  fi
}

node_environment() {
  export PATH="$modules/.bin:$PATH"
  export WRANGLER_SEND_METRICS=false CLOUDFLARE_CF_FETCH_ENABLED=false
}
