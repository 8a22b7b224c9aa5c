#!/usr/bin/env bash
# Runs the web admin's browser journeys against a `weir run` of its own, on free ports, in a directory of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$(mktemp -d)
weir=
finish() {
  [ -z "$weir" ] || { kill "$weir" 2>/dev/null && wait "$weir"; } || true
  rm -rf "$data"
}
trap finish EXIT

free_port() { PYTHONPATH=tests/cluster python3 -c 'import servers; print(servers.free_port())'; }
export WEIR__DATA_DIR=$data
WEIR__DATA__LISTEN=127.0.0.1:$(free_port)
WEIR__ADMIN__LISTEN=127.0.0.1:$(free_port)
WEIR__OPS__LISTEN=127.0.0.1:$(free_port)
WEIR__SANDBOX__LISTEN=127.0.0.1:$(free_port)
export WEIR__DATA__LISTEN WEIR__ADMIN__LISTEN WEIR__OPS__LISTEN WEIR__SANDBOX__LISTEN
env -u OPENAI_API_KEY -u ANTHROPIC_API_KEY target/debug/weir run >"$data/weir.log" 2>&1 &
weir=$!
for _ in $(seq 600); do
  target/debug/weir healthcheck 2>/dev/null && break
  kill -0 "$weir" 2>/dev/null || { cat "$data/weir.log"; exit 1; }
  sleep 0.1
done
WEIR_QUICKSTART=$data/quickstart.json npm --prefix web-admin run --silent e2e
