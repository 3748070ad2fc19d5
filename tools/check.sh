#!/usr/bin/env bash
# What a reviewer would rather not say: format, lints, docs.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"
cargo fmt --all --check
cargo clippy --quiet --workspace --all-targets -- -D warnings
# The platform's files, natively.
cargo clippy --quiet --features shell -p anteroom -p anteroom-durable -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --no-deps --features shell
say "format, lints and docs are in order"
