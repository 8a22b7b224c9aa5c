#!/usr/bin/env python3
"""`make bench`: the release binary in the cluster shape beside a bare proxy, and how soon a change is obeyed.

Every figure is one JSON line {"figure", "value", "unit", "goal", "n"}. FIGURE=name runs one alone. ROUNDS (3), SECONDS_EACH (6),
KEYS (100000) and CHANGES (200) say how much; --quick is a few seconds per figure, and no measurement to keep. docs/bench.md says
what each figure is.
"""

import argparse
import http.client
import json
import os
import pathlib
import re
import statistics
import sys
import tempfile
import threading
import time
import urllib.parse

from tools import MEASURED, OTHERS
from world import TRANSLATED, World

GOALS = {
    "snapshot_load_ms": "<= 2000", "snapshot_mib": "<= 200",
    "cpu_per_request_ratio": "<= 3", "cpu_per_translated_request_ratio": "<= 2.5", "cpu_per_chunk_ratio": "<= 2",
    "memory_per_stream_ratio": "<= 1.5", "added_latency_p50_us": "<= 150", "orphan_upstream_streams": "0",
    "policy_enforced_2_nodes_p99_ms": "<= 200", "policy_enforced_no_pubsub_max_ms": "<= 3000",
}
ENDLESS = "chunks=100000;delay_ms="


def say(text):
    print(f"  {text}", file=sys.stderr, flush=True)


class Run:
    """How much is done, what is wanted, and what was found."""

    def __init__(self, quick):
        much = lambda name, whole, short: int(os.environ.get(name, short if quick else whole))
        self.rounds, self.seconds = much("ROUNDS", 3, 1), much("SECONDS_EACH", 6, 2)
        self.keys, self.changes = much("KEYS", 100000, 10000), much("CHANGES", 200, 20)
        self.only, self.figures = os.environ.get("FIGURE"), []
        if self.only and self.only not in GOALS:
            sys.exit(f"there is no figure {self.only}; there are: {', '.join(GOALS)}")

    def wants(self, name):
        return self.only in (None, name)

    def figure(self, name, value, unit, n):
        line = {"figure": name, "value": round(value, 3), "unit": unit, "goal": GOALS[name], "n": n}
        self.figures.append(line)
        print(json.dumps(line), flush=True)

    def ratio(self, name, what, unit, measure):
        """`measure(which)` for the floor and for Weir in turn; the ratio of the medians."""
        pairs = [(measure("floor"), measure("weir")) for _ in range(self.rounds)]
        floor, weir = (statistics.median(pair[which] for pair in pairs) for which in (0, 1))
        say(f"{what}: floor {floor:.1f} {unit}, weir {weir:.1f} {unit}; rounds {[tuple(round(x, 1) for x in pair) for pair in pairs]}")
        self.figure(name, weir / floor, "ratio", self.rounds)


def cost(run, world):
    closed = ("--closed", "--conns", 32)
    if run.wants("cpu_per_request_ratio"):
        run.ratio("cpu_per_request_ratio", "CPU per request", "µs",
                  lambda which: world.load(which, run.seconds, *closed)["cpu_us_per_req"])
    if run.wants("cpu_per_translated_request_ratio"):
        run.ratio("cpu_per_translated_request_ratio", "CPU per translated request", "µs",
                  lambda which: world.load(which, run.seconds, *closed, model=TRANSLATED)["cpu_us_per_req"])
    if run.wants("cpu_per_chunk_ratio"):
        streams = ("--stream", "--closed", "--conns", 100, "--mock", ENDLESS + "10")
        run.ratio("cpu_per_chunk_ratio", "CPU per chunk", "µs",
                  lambda which: world.load(which, run.seconds, *streams)["cpu_us_per_chunk"])
    if run.wants("added_latency_p50_us"):
        pairs = [[world.load(which, run.seconds, "--rate", 200, "--conns", 16)["lat_us"]["p50"] for which in ("floor", "weir")]
                 for _ in range(run.rounds)]
        floor, weir = (statistics.median(pair[which] for pair in pairs) for which in (0, 1))
        say(f"p50 at 200/s: floor {floor:.0f} µs, weir {weir:.0f} µs; rounds {pairs}")
        run.figure("added_latency_p50_us", weir - floor, "us", run.rounds)


def streams(run, world):
    if run.wants("orphan_upstream_streams"):
        world.load("weir", run.seconds, "--stream", "--closed", "--conns", 200, "--mock", ENDLESS + "50")
        time.sleep(1)
        run.figure("orphan_upstream_streams", world.tools.open_streams(world.mock), "streams", 200)
    if run.wants("memory_per_stream_ratio"):
        few, many = 500, 2000

        def kib_per_stream(which):
            # A process that has just started, and the difference of two peaks: memory taken for anything else is in both.
            world.restart_floor() if which == "floor" else world.restart_node()
            peaks = [world.load(which, 3, "--stream", "--closed", "--conns", conns, "--mock", ENDLESS + "1000", warmup=6)["rss_max_kb"]
                     for conns in (few, many)]
            return (peaks[1] - peaks[0]) / (many - few)

        run.ratio("memory_per_stream_ratio", "memory per stream", "KiB", kib_per_stream)


class Watch(threading.Thread):
    """Asks one node's own port on a kept connection, with one key, until it is refused."""

    def __init__(self, url, secret):
        super().__init__(daemon=True)
        place = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
        self.headers, self.refused_at, self.served = {"Authorization": f"Bearer {secret}"}, None, threading.Event()

    def run(self):
        while True:
            self.connection.request("GET", "/v1/models", headers=self.headers)
            answer = self.connection.getresponse()
            answer.read()
            if answer.status == 401:
                self.refused_at = time.monotonic()
                return
            assert answer.status == 200, answer.status
            self.served.set()


def until_refused(world):
    """Milliseconds from just before a revocation is sent until both nodes refuse: more than from its commit."""
    made = world.mutate("createKey", "key { id } secret", name="revoked soon")
    watches = [Watch(url, made["secret"]) for url in world.start["data_urls"]]
    for watch in watches:
        watch.start()
    for watch in watches:
        assert watch.served.wait(60), "a new key is not served"
    began = time.monotonic()
    world.mutate("revokeKey", "key { id }", id=made["key"]["id"])
    for watch in watches:
        watch.join(60)
        assert watch.refused_at, "a revoked key is served for a minute"
    return max(watch.refused_at - began for watch in watches) * 1000


def propagation(run, world):
    if run.wants("policy_enforced_2_nodes_p99_ms"):
        times = sorted(until_refused(world) for _ in range(run.changes))
        say(f"enforced: p50 {times[len(times) // 2]:.1f} ms, max {times[-1]:.1f} ms")
        run.figure("policy_enforced_2_nodes_p99_ms", times[-(-len(times) * 99 // 100) - 1], "ms", len(times))
    if run.wants("policy_enforced_no_pubsub_max_ms"):
        world.servers.stop_redis()
        count = max(5, run.changes // 10)
        times = [until_refused(world) for _ in range(count)]
        say(f"enforced without Redis: p50 {statistics.median(times):.0f} ms")
        run.figure("policy_enforced_no_pubsub_max_ms", max(times), "ms", count)


def write(path, figures):
    """Puts what was measured into the page's table; rows of figures that were not measured stay."""
    text = path.read_text()
    block = re.search(r"(<!-- figures -->\n)(.*?)(<!-- end -->)", text, flags=re.S)
    rows = {line.split("`")[1]: line for line in block[2].splitlines() if line.startswith("| `")}
    rows |= {f["figure"]: f"| `{f['figure']}` | {f['value']} {f['unit']} | {f['goal']} | {f['n']} |" for f in figures}
    table = ["| figure | value | goal | n |", "|---|---|---|---|", *(rows[name] for name in GOALS if name in rows)]
    path.write_text(text[:block.start(2)] + "\n".join(table) + "\n" + text[block.start(3):])


def main():
    parser = argparse.ArgumentParser(description="Weir's figures; docs/bench.md says what they are.")
    parser.add_argument("--write", type=pathlib.Path, metavar="FILE", help="put them into the table of this page")
    parser.add_argument("--quick", action="store_true", help="a few seconds per figure: whether it works, not how fast it is")
    arguments = parser.parse_args()
    if not {MEASURED, OTHERS} <= os.sched_getaffinity(0):
        sys.exit("two cores are needed: one for what is measured, one for everything else")
    run = Run(arguments.quick)
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as home:
        os.chmod(home, 0o755)
        say(f"load average {os.getloadavg()[0]:.1f}: what else runs here spoils latency first")
        world = World(pathlib.Path(home))
        try:
            say(f"measured with {world.tools.name}")
            world.govern()
            took, more = world.load_keys(run.keys)
            say(f"{run.keys} keys in 1000 organizations are loaded")
            if run.wants("snapshot_load_ms"):
                run.figure("snapshot_load_ms", took, "ms", 1)
            if run.wants("snapshot_mib"):
                run.figure("snapshot_mib", more, "MiB", 1)
            cost(run, world)
            streams(run, world)
            propagation(run, world)
        finally:
            world.end()
    if arguments.write:
        write(arguments.write, run.figures)


if __name__ == "__main__":
    main()
