#!/usr/bin/env bash
# Installs what is missing to build and test Anteroom, and nothing else. A second run takes a moment, offline.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

need() { command -v "$1" >/dev/null || fail "\`$1\` is missing: $2"; }

system_packages() {
  need cc "install a C compiler (Debian: apt-get install build-essential; macOS: xcode-select --install)"
  need cargo "install Rust by rustup: curl -sSf https://sh.rustup.rs | sh"
  local minor
  minor=$(rustc --version | sed -n 's/^rustc 1\.\([0-9]*\).*/\1/p')
  [ "${minor:-0}" -ge "$rust_minor" ] || fail "Rust 1.$rust_minor or later is needed, this is $(rustc --version): run \`rustup update stable\`"
  need npm "install Node.js with npm (Debian: apt-get install nodejs npm)"
}

wasm_target() {
  has_wasm_target && return
  has_debian_sysroot && return
  if command -v rustup >/dev/null && rustup target add "$wasm_target" >/dev/null 2>&1; then
    say "added the target $wasm_target to your Rust toolchain"
    return
  fi
  say "rustup cannot fetch $wasm_target: building its standard library from Debian's source"
  if [ ! -x "$debian_rustc" ] || [ ! -d /usr/share/doc/rust-web-src ]; then
    command -v apt-get >/dev/null || fail "no route to rustup's server and no Debian: run \`rustup target add $wasm_target\` where there is one"
    [ "$(id -u)" = 0 ] || fail "run as root once: apt-get install rustc-web rust-web-src"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq rustc-web rust-web-src >/dev/null
  fi
  complete "$(sysroot)" build_sysroot
}

# Builds std for Wasm with its bitcode, which link-time optimisation needs, into a sysroot of our own.
build_sysroot() {
  local crate="$filling/empty" library="$filling/lib/rustlib/$wasm_target/lib" host
  mkdir -p "$crate/src" "$library"
  printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n' >"$crate/Cargo.toml"
  echo '#![no_std]' >"$crate/src/lib.rs"
  (cd "$crate" && RUSTC="$debian_rustc" RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Cembed-bitcode=yes" CARGO_TARGET_DIR="$filling/target" \
    cargo build --quiet -Zbuild-std=std,panic_abort --release --target "$wasm_target")
  cp "$filling/target/$wasm_target/release/deps/"*.rlib "$library"
  rm -rf "$library"/libempty-*.rlib "$filling/target" "$crate"
  host=$("$debian_rustc" -vV | sed -n 's/^host: //p')
  ln -s "$("$debian_rustc" --print sysroot)/lib/rustlib/$host" "$filling/lib/rustlib/$host"
  # A compiler that finds this sysroot for Wasm and its own for everything else.
  cat >"$filling/rustc" <<WRAPPER
#!/bin/sh
for argument in "\$@"; do
  case \$argument in $wasm_target | --target=$wasm_target) exec $debian_rustc --sysroot "\$(dirname "\$0")" "\$@" ;; esac
done
exec $debian_rustc "\$@"
WRAPPER
  chmod +x "$filling/rustc"
}

bindings_generator() {
  [ -d "$tools" ] && return
  say "building wasm-bindgen $wasm_bindgen_version: some minutes, once"
  complete "$tools" install_crate wasm-bindgen-cli "$wasm_bindgen_version"
}

dependency_checker() {
  [ -d "$cargo_deny" ] && return
  say "building cargo-deny $cargo_deny_version: some minutes, once"
  complete "$cargo_deny" install_crate cargo-deny "$cargo_deny_version" --no-default-features
}

# usage: install_crate NAME VERSION [OPTION...]
# A registry that lags behind may not have every locked version: then without the lock.
install_crate() {
  local options=(--root "$filling" --version "=$2" "${@:3}" "$1")
  CARGO_TARGET_DIR="$cache/build" cargo install --locked "${options[@]}" ||
    CARGO_TARGET_DIR="$cache/build" cargo install "${options[@]}"
}

node_modules() {
  local stamp="$modules/.anteroom-lock"
  cmp -s "$root/tests/package-lock.json" "$stamp" && return
  say "installing the npm packages of tests/"
  # A registry that lags behind may lack packages for other machines than this one; `npm ci` then refuses the lock.
  local options=(--no-audit --no-fund --ignore-scripts --loglevel=error)
  (cd "$root/tests" && { npm ci "${options[@]}" >/dev/null 2>&1 || npm install --no-save "${options[@]}" >&2; })
  cp "$root/tests/package-lock.json" "$stamp"
}

node_version() {
  node_environment
  local major
  major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
  [ "$major" -ge 22 ] || fail "wrangler needs Node.js 22 or later, this is $(node --version): run \`rm -rf tests/node_modules && make setup\`, which brings one"
}

browser() {
  for name in "${CHROME_BIN:-}" chromium chromium-browser google-chrome; do
    [ -n "$name" ] && command -v "$name" >/dev/null && return
  done
  [ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ] && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing Debian's chromium for the browser tests"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null && return
  fi
  say "downloading a Chromium for the browser tests"
  (node_environment && playwright-core install chromium >&2)
}

system_packages
if [ "${1:-}" = check ]; then
  dependency_checker
  exit 0
fi
wasm_target
bindings_generator
node_modules
node_version
[ "${1:-}" = build ] && exit 0
need python3 "install Python 3 (Debian: apt-get install python3; macOS: xcode-select --install)"
browser
