#!/usr/bin/env bash
# The simulation: seeds 1 to 1000 and one that nobody chose, or, with SEED in the environment, that one alone.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- --seeds 1000 --fresh
exec cargo run --quiet --profile sim -p anteroom-simulation -- "$@"
