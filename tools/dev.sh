#!/usr/bin/env bash
# Starts the demo shop and Anteroom in front of it, on this machine alone. Ctrl-C ends both.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"
tools/setup.sh build
tools/secrets.sh
node_environment
shop_port=${SHOP_PORT:-8788} port=${PORT:-8787}
# As long as the room's sessions in wrangler.toml: the shop counts people by a cookie of its own.
node tests/shop/shop.mjs --port "$shop_port" --session-ms 60000 >/dev/null &
shop=$!
trap 'kill "$shop" 2>/dev/null' EXIT
tools/build.sh
cat >&2 <<EOF

  The shop, behind Anteroom:   http://localhost:$port/
  The room's public state:     http://localhost:$port/.anteroom/board
  The operator's page:         http://operator.localhost:$port/
                               (its token: OPERATOR_TOKENS in .dev.vars, behind \`dev:\`)
  A crowd, in another shell:   make crowd

EOF
wrangler dev --port "$port" --var "ORIGIN:http://127.0.0.1:$shop_port" --var OPERATOR_HOST:operator.localhost --log-level warn
