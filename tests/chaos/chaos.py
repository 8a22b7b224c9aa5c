#!/usr/bin/env python3
"""N requests over two nodes while everything is killed, stopped and emptied; then the sandbox's own meter is the judge.

`N` (20000), `SEED` (drawn anew, and printed) and `WORKERS` (24) come from the environment. Prints one JSON line per figure;
exit 1 when one misses its goal, and the directory of such a run is kept.
Invariant: what is compared comes from three witnesses who share nothing: the apps' own notes, Weir's books, the meter.
"""

import json
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "clients"), str(HERE.parent / "cluster")]

from cluster import ClusterWeir  # noqa: E402
from faults import Faults  # noqa: E402
from load import Apps  # noqa: E402
from servers import Servers, eventually  # noqa: E402
from stack import Sandbox  # noqa: E402
from verdict import compare  # noqa: E402

N = int(os.environ.get("N", "20000"))
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
WORKERS = int(os.environ.get("WORKERS", "24"))
# Far beyond what it takes; a run that hangs is a failed run.
LIMIT_S = 300 + N // 20
QUIET_S = 180


def budgets(weir):
    """Keys under hard budgets: some that hold, some that run out in the middle. Limits by the key's team."""
    limits, secrets = {}, []
    weir.mutate("createBudget", "budget { id }", name="all of it", scope="ORG", limit="1000")
    for name, limit in [("roomy", "500"), ("tight", "0.30"), ("tighter", "0.05")]:
        team = weir.create_team(name)
        weir.mutate("createBudget", "budget { id }", name=name, scope="TEAM", scopeId=team, limit=limit)
        limits[team] = limit
        # Most requests draw on money that is there.
        share = 4 if name == "roomy" else 1
        secrets += [weir.create_key(f"{name} {n}", teamId=team)[1] for n in range(share)]
    return limits, secrets


def bounded():
    """A run that hangs, or is told to end, stops what it has started and fails."""

    def end(number, _):
        reason = f"not done within {LIMIT_S} s" if number == signal.SIGALRM else "told to end"
        raise SystemExit(f"chaos: {reason} (SEED={SEED})")

    signal.signal(signal.SIGALRM, end)
    signal.signal(signal.SIGTERM, end)
    signal.alarm(LIMIT_S)


def quiet(weir):
    """Everything runs, nothing is open, every journal is shipped."""
    weir.start()

    def drained():
        return all(weir.metrics().count(line) == len(weir.nodes) for line in ("weir_journal_unshipped_events 0\n", "weir_open_requests 0\n"))

    eventually(drained, "every journal is shipped and no request is open", QUIET_S)


def run(directory, servers, sandbox):
    # As patient as it is when nobody sets anything.
    impatient = {"WEIR__BUDGET__LEASE_TIMEOUT_MS": "2000", "WEIR__ADMIN__PROPAGATION_TIMEOUT_MS": "5000"}
    weir = ClusterWeir(directory / "cluster", sandbox, servers.start(), controls=2, **impatient)
    try:
        limits, secrets = budgets(weir)
        faults = Faults(weir, servers, random.Random(SEED))
        apps = Apps(weir.data_urls, secrets, SEED, N, WORKERS)
        began = time.monotonic()
        apps.start()
        faults.play_until(lambda: apps.served() >= N)
        apps.stop()
        print(f"{apps.served()} requests, {len(faults.played)} faults in {time.monotonic() - began:.0f} s: "
              f"{apps.summary()}; {faults.summary()}", flush=True)
        faults.look_around()
        quiet(weir)
        figures = compare(weir, sandbox, limits, apps)
        figures.count("processes_that_ended_by_themselves", faults.ended, len(faults.played))
        figures.count("panics", (m.name for m in weir.cluster.members() if "panicked" in m.log()), len(weir.cluster.members()))
        return figures.lines
    finally:
        weir.end()


def main():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="weir-chaos-"))
    print(f"chaos: N={N} SEED={SEED} WORKERS={WORKERS} in {directory}", flush=True)
    bounded()
    servers, sandbox = Servers(directory / "servers", durable=False), Sandbox(directory)
    failed = True
    try:
        figures = run(directory, servers, sandbox)
        for figure in figures:
            print(json.dumps(figure), flush=True)
        failed = any(figure["value"] != figure["goal"] for figure in figures)
    finally:
        signal.alarm(0)
        sandbox.stop()
        servers.stop()
        if failed:
            print(f"chaos: failed; repeat with SEED={SEED} N={N}; logs, journals and database are kept in {directory}", file=sys.stderr)
        else:
            servers.destroy()
            shutil.rmtree(directory)
    sys.exit(failed)


if __name__ == "__main__":
    main()
