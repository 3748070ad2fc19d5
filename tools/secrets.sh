#!/usr/bin/env bash
# Makes the secrets of a development machine, once, in .dev.vars: readable by nobody else, known to git as ignored.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
file="$root/.dev.vars"
[ -f "$file" ] && exit 0
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
(umask 077 && printf 'KEY_CURRENT=%s\n' "$(random)" >"$file")
say "made a development key in .dev.vars"
