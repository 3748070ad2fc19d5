#!/usr/bin/env bash
# What a reviewer would rather not say: format, lints, docs, licences and origins of dependencies, known holes in them.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"
cargo fmt --all --check
cargo clippy --quiet --workspace --all-targets -- -D warnings
# The platform's files, natively.
cargo clippy --quiet --features shell -p anteroom -p anteroom-durable -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --no-deps --features shell
# The fuzz targets as `make fuzz` runs them; their corpora are run by `make test`.
tools/fuzz.sh build
tools/setup.sh check
deny() { "$cargo_deny/bin/cargo-deny" --log-level error "$@"; }
deny check licenses bans sources
# The database of known holes lives on another server than the crates, which not every machine can reach.
if timeout 60 "$cargo_deny/bin/cargo-deny" --log-level off fetch db 2>/dev/null; then
  deny check advisories
  advisories="no advisory stands against them"
else
  advisories="the database of advisories cannot be reached from here, so they were not checked"
fi
say "format, lints, docs and dependencies are in order; $advisories"
