#!/usr/bin/env bash
# Runs a command beside a Postgres server of its own, and removes it afterwards: tests/postgres.sh COMMAND…
# The command finds the server at TEST_POSTGRES_URL, as a role that may make databases and roles, and can stop and start it
# with $TEST_POSTGRES_CTL. The role weir_locked, if anybody makes it, needs its password. With DURABLE=1 commits reach the
# disk, for what is measured.
set -euo pipefail

find_binaries() {
  local found
  for found in /usr/lib/postgresql/*/bin; do
    [ -x "$found/initdb" ] && echo "$found" && return
  done
  if command -v initdb >/dev/null; then dirname "$(command -v initdb)"; fi
}

bin=$(find_binaries)
if [ -z "$bin" ]; then
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "Postgres is needed for the tests: install it (Debian: postgresql), then run make again" >&2
    exit 1
  fi
  echo "installing Postgres (Debian package)"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
  bin=$(find_binaries)
fi

folder=$(mktemp -d)
chmod 755 "$folder"
as_owner=()
if [ "$(id -u)" = 0 ]; then # Postgres refuses to run as root
  chown postgres "$folder"
  as_owner=(runuser -u postgres --)
fi
stop() {
  "${as_owner[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap stop EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cd "$folder"
"${as_owner[@]}" "$bin/initdb" -D "$folder/data" -U postgres -A trust -N >"$folder/initdb.log"
cat >>"$folder/data/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$folder'
max_connections = 400
END
if [ -z "${DURABLE:-}" ]; then # what is tested does not survive the machine: nothing need reach the disk
  printf '%s = off\n' fsync synchronous_commit full_page_writes >>"$folder/data/postgresql.conf"
fi
sed -i '1i host all weir_locked 127.0.0.1/32 scram-sha-256' "$folder/data/pg_hba.conf"
control="${as_owner[*]} $bin/pg_ctl -D $folder/data -l $folder/server.log -s -w"
$control start
cd "$OLDPWD"
TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres" TEST_POSTGRES_CTL="cd / && $control" "$@"
