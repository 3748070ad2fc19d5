#!/usr/bin/env bash
# Fuzzes. Stable Rust and a C++ compiler are all it takes: these flags are what cargo-fuzz sets, without a sanitizer, which safe Rust can do without.
# usage: fuzz.sh build | seeds | run SECONDS [TARGET...] | minimise [TARGET...]
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"

host=$(rustc -vV | sed -n 's/^host: //p')
binaries="${CARGO_TARGET_DIR:-target}/$host/fuzz"
work="$root/target/fuzz"
# Longer inputs are slower and rarely better; pages are the longest that the corpora have.
length_max=4096
all=$(sed -n 's|^path = "fuzz_targets/\(.*\)\.rs"|\1|p' fuzz/Cargo.toml)

coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
  -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
# The edge is a dynamic library as well, and libFuzzer is in the binaries alone. macOS must be told that this is meant.
[ "$(uname)" != Darwin ] || coverage="$coverage -Clink-arg=-Wl,-undefined,dynamic_lookup"

build() {
  tools/setup.sh fuzz
  RUSTFLAGS="$coverage" cargo build --quiet -p anteroom-fuzz --features libfuzzer --bins --profile fuzz --target "$host"
}

# What libFuzzer finds on the way stays below target/ and is where the next run begins. A crash is kept, told, and makes this fail.
run() {
  local seconds=$1 target failed=0 crashes="$work/crashes"
  shift
  mkdir -p "$crashes"
  for target in ${*:-$all}; do
    mkdir -p "$work/$target"
    say "$target: ${seconds} s"
    if ! RUST_BACKTRACE=1 "$binaries/$target" "$work/$target" "fuzz/corpus/$target" -max_total_time="$seconds" -max_len="$length_max" \
      -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$crashes/$target-" >"$work/$target.log" 2>&1; then
      failed=1
      grep -aE "panicked at|^ *(left|right):|ERROR: libFuzzer|Test unit written" -A 1 "$work/$target.log" | cut -c1-300 >&2 || tail -n 20 "$work/$target.log" >&2
      say "$target: what must hold does not. Mend it, and keep the file named above: move it to fuzz/corpus/$target/"
    fi
    grep -aE "number_of_executed_units|peak_rss_mb" "$work/$target.log" | sed 's/^stat:://' >&2 || true
  done
  return "$failed"
}

# Adds to the corpora what reaches code that they do not reach yet: the shortest of it, for people read them too.
minimise() {
  local target stamp="$work/stamp"
  for target in ${*:-$all}; do
    mkdir -p "$work/$target"
    touch "$stamp"
    "$binaries/$target" -set_cover_merge=1 -use_counters=0 -use_cmp=0 -max_len=256 "fuzz/corpus/$target" "$work/$target" \
      >"$work/$target.merge.log" 2>&1 || { tail -n 5 "$work/$target.merge.log" >&2; fail "$target: the merge failed"; }
    find "fuzz/corpus/$target" -type f -newer "$stamp" -exec wc -c {} + | grep -v ' total$' | sort -n | tail -n +33 |
      awk '{ print $2 }' | xargs rm -f
  done
}

case ${1:-} in
  build) build ;;
  seeds) cargo run --quiet -p anteroom-fuzz --example seeds ;;
  run) build && shift && run "$@" ;;
  minimise) build && shift && minimise "$@" ;;
  *) fail "usage: tools/fuzz.sh build | seeds | run SECONDS [TARGET...] | minimise [TARGET...]" ;;
esac
