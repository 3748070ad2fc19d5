#!/usr/bin/env bash
# Makes the secrets of a development machine, once, in .dev.vars: readable by nobody else, known to git as ignored.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
file="$root/.dev.vars"
[ -f "$file" ] && exit 0
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
(umask 077 && printf 'KEY_CURRENT=%s\nOPERATOR_TOKENS=dev:%s\n' "$(random)" "$(random)" >"$file.filling" && mv "$file.filling" "$file")
say "made a key and an operator's token for development in .dev.vars"
