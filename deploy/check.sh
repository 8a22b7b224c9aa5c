#!/usr/bin/env bash
# Checks what can be checked of deploy/ without a cluster: deploy/check.sh VENV (a Python environment to install into; made
# where it is missing).
set -euo pipefail
venv=${1:?usage: deploy/check.sh VENV}
here=$(cd "$(dirname "$0")" && pwd)
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet kubernetes-validate pyyaml check-jsonschema promql-parser

"$venv/bin/python" "$here/check.py"
for version in 1.29 1.34; do
  "$venv/bin/kubernetes-validate" --strict --quiet -k "$version" "$here"/kubernetes/*.yaml "$here"/kubernetes/examples/*.yaml
done
echo "the manifests are valid for Kubernetes 1.29 and 1.34"
"$venv/bin/check-jsonschema" --builtin-schema vendor.compose-spec "$here/compose.yaml"

if command -v promtool >/dev/null; then promtool check rules "$here/prometheus/alerts.yml"; fi

if command -v systemd-analyze >/dev/null; then
  units=$(mktemp -d)
  trap 'rm -rf "$units"' EXIT
  # The binary need not be installed here, and a template is looked at as its first instance.
  for unit in "$here"/systemd/*.service; do
    name=$(basename "$unit")
    sed 's#/usr/local/bin/weir#/bin/true#' "$unit" >"$units/${name/@./@1.}"
  done
  said=$(systemd-analyze verify --man=no "$units"/*.service 2>&1 | grep -F "$units" || true)
  [ -z "$said" ] || { echo "$said" >&2; exit 1; }
  echo "the units are understood by $(systemd-analyze --version | head -n 1)"
else
  echo "no systemd-analyze here: the units were not looked at"
fi
