#!/usr/bin/env bash
# The simulation: every sequence of six inputs to a small room, seeds 1 to 1000 and one that nobody chose, or, with SEED in the environment, that one alone.
set -euo pipefail
cd "$(dirname "$0")/.."
# With --big, the rush of a million instead; with --scale, ten million and the whole tree.
[ "${1:-}" != --big ] || { mkdir -p target; set -- --big target/sim-big.svg; }
[ "${1:-}" != --scale ] || { mkdir -p target/bench; set -- --scale target/bench/scale.json; }
[ $# -gt 0 ] || set -- --seeds 1000 --fresh --depth 6
exec cargo run --quiet --profile sim -p anteroom-simulation -- "$@"
