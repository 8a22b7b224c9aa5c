#!/usr/bin/env bash
# Builds the mock provider, the load generator and the bare proxy that `make bench` measures with: tests/bench/tools.sh TARGET.
# Their sources are beside this repository, in the folder that BENCH_SOURCES names.
set -euo pipefail
target=${1:?usage: tests/bench/tools.sh TARGET}
here=$(cd "$(dirname "$0")" && pwd)
sources=${BENCH_SOURCES:-$here/../../../shared/bench}
if [ ! -d "$sources" ]; then
  echo "the bench tools are not there: set BENCH_SOURCES to the folder with mock-upstream, loadgen and floor-proxy" >&2
  exit 1
fi
for tool in mock-upstream loadgen floor-proxy; do
  (cd "$sources/$tool" && CARGO_TARGET_DIR="$target" cargo build --quiet --release)
done
