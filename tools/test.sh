#!/usr/bin/env bash
# Runs every suite and ends in one line: N passed, N failed. A suite that crashes, or runs no test, is a failure.
set -uo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"
node_environment
passed=0 failed=0

# usage: suite NAME PASSED_PATTERN FAILED_PATTERN COMMAND... (patterns capture a number on each line they match)
suite() {
  local name=$1 passes=$2 fails=$3 log status ok bad
  shift 3
  say "$name"
  log=$(mktemp)
  "$@" </dev/null 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  ok=$(sed -nE "s/$passes/\1/p" "$log" | awk '{ sum += $1 } END { print sum + 0 }')
  bad=$(sed -nE "s/$fails/\1/p" "$log" | awk '{ sum += $1 } END { print sum + 0 }')
  rm -f "$log"
  if [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$ok" -eq 0 ]; }; then
    say "$name: ended with status $status after $ok tests"
    bad=1
  fi
  passed=$((passed + ok)) failed=$((failed + bad))
}

rust_passed='^test result: .* ([0-9]+) passed;.*' rust_failed='^test result: .* ([0-9]+) failed;.*'
# These run for millions of steps: ten minutes as other tests are built, one in the profile that the simulation is built in anyway, with every assertion.
optimised=(anteroom-cost anteroom-simulation)
suite native "$rust_passed" "$rust_failed" cargo test --workspace "${optimised[@]/#/--exclude=}"
suite optimised "$rust_passed" "$rust_failed" cargo test --profile sim "${optimised[@]/#/--package=}"
suite simulation '^simulation: ([0-9]+) passed.*' '^simulation: .* ([0-9]+) failed.*' tools/sim.sh
# The draw as strangers verify it, in Python.
suite draw '^Ran ([0-9]+) tests? in .*' '^FAILED \(.*=([0-9]+)\)$' python3 tests/draw/test_draw.py
tools/build.sh || failed=$((failed + 1))
suite workerd '^# pass ([0-9]+)$' '^# fail ([0-9]+)$' node --test --test-reporter=tap --test-concurrency=1 tests/workerd/*.test.mjs
suite browser '^# pass ([0-9]+)$' '^# fail ([0-9]+)$' node --test --test-reporter=tap --test-concurrency=1 tests/browser/*.test.mjs

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
