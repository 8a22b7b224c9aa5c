#!/usr/bin/env python3
"""`make bench`: the release binary in the cluster shape beside a bare proxy, and how soon a change is obeyed.

Every figure is one JSON line {"figure", "value", "unit", "goal", "n"}. FIGURE=name runs one alone; ROUNDS (3), SECONDS (6),
KEYS (100000) and CHANGES (200) say how much. The mock provider, the load generator and the floor come from the folder that
BENCH_TOOLS names (see docs/bench.md). The data plane under test has core 0 to itself; everything else shares core 1.
"""

import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("WEIR_BIN", str(ROOT / "target" / "release" / "weir"))
sys.path.insert(0, str(ROOT / "tests" / "cluster"))
from launch import Cluster  # noqa: E402
from servers import Servers, eventually, free_port  # noqa: E402

TOOLS = pathlib.Path(os.environ.get("BENCH_TOOLS", ROOT / ".tools" / "bench" / "release"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SECONDS = os.environ.get("SECONDS_EACH", "6")
KEYS = int(os.environ.get("KEYS", "100000"))
CHANGES = int(os.environ.get("CHANGES", "200"))
MODEL = "openai/gpt-4.1-mini"
FIGURES = []


def figure(name, value, unit, goal, n):
    line = {"figure": name, "value": round(value, 3), "unit": unit, "goal": goal, "n": n}
    FIGURES.append(line)
    print(json.dumps(line), flush=True)


def wanted(*names):
    return not os.environ.get("FIGURE") or os.environ["FIGURE"] in names


def on_core(core, pid):
    subprocess.run(["taskset", "-a", "-p", "-c", str(core), str(pid)], check=True, stdout=subprocess.DEVNULL)


class World:
    """A cluster with a mock provider behind it, and the floor beside it."""

    def __init__(self, home):
        self.home, self.started = home, []
        self.mock = f"127.0.0.1:{free_port()}"
        self.floor = f"127.0.0.1:{free_port()}"
        self.mock_pid = self.tool(1, "mock-upstream", "--listen", self.mock)
        self.floor_pid = self.tool(0, "floor-proxy", "plain", self.floor, self.mock)
        self.servers = Servers(home)
        self.servers.start()
        env = {k: v for k, v in os.environ.items() if not k.startswith("WEIR__") and not k.endswith("_API_KEY")}
        env |= {"OPENAI_API_KEY": "bench", "OPENAI_BASE_URL": f"http://{self.mock}/v1", "WEIR__TELEMETRY__LOG": "warn"}
        self.cluster = Cluster(home, self.servers, env=env, sandbox_url="")
        self.node = self.cluster.nodes[0]
        # As many threads as it has cores.
        self.node.env["TOKIO_WORKER_THREADS"] = "1"
        self.cluster.start()
        self.start = self.cluster.quickstart()
        for process in subprocess.run(["pgrep", "-f", "postgres|redis-server"], capture_output=True, text=True).stdout.split():
            subprocess.run(["taskset", "-a", "-p", "-c", "1", process], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for member in self.cluster.members():
            on_core(0 if member is self.node else 1, member.process.process.pid)

    def tool(self, core, *arguments):
        process = subprocess.Popen(["taskset", "-c", str(core), str(TOOLS / arguments[0]), *arguments[1:]], stdout=subprocess.DEVNULL)
        self.started.append(process)
        return process.pid

    def end(self):
        self.cluster.stop()
        self.servers.stop()
        for process in self.started:
            process.terminate()

    def graphql(self, query, **variables):
        request = urllib.request.Request(
            self.start["graphql_url"], json.dumps({"query": query, "variables": variables}).encode(),
            {"Authorization": "Bearer " + self.start["management_key"], "Content-Type": "application/json"})
        answer = json.load(urllib.request.urlopen(request, timeout=60))
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def mutate(self, mutation, selection, **fields):
        kind = mutation[0].upper() + mutation[1:] + "Input"
        query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {selection} }} }}"
        return self.graphql(query, input={"organizationId": self.org, **fields})[mutation]

    def govern(self):
        """A key of a team and a member, under a hard budget at all four scopes."""
        found = self.graphql("{ viewer { memberships { organization { id } } } }")["viewer"]["memberships"][0]
        self.org = found["organization"]["id"]
        team = self.mutate("createTeam", "team { id }", name="bench")["team"]["id"]
        member = self.graphql(
            "query($org: ID!) { organization(id: $org) { members(first: 1) { nodes { id } } } }", org=self.org,
        )["organization"]["members"]["nodes"][0]["id"]
        made = self.mutate("createKey", "key { id } secret", name="bench", teamId=team, memberId=member)
        for scope, scope_id in (("ORG", None), ("TEAM", team), ("MEMBER", member), ("KEY", made["key"]["id"])):
            self.mutate("createBudget", "budget { id }", name=scope, scope=scope, scopeId=scope_id, limit="100000")
        return made["secret"]

    def load_keys(self):
        """Keys of a thousand other organizations, written past the control plane; nodes find them by the next heartbeat."""
        zeros, each = "0" * 64, max(1, KEYS // 1000)
        self.servers.sql(f"""
            INSERT INTO orgs (id, name, policy_revision, published_revision, audit_seq, audit_hash, changed_at)
              SELECT 'org_' || md5('o' || n), 'bench ' || n, 1, 1, 0, '{zeros}', 0 FROM generate_series(1, 1000) n;
            INSERT INTO ledger_heads (org_id, seq, hash) SELECT id, 0, '{zeros}' FROM orgs WHERE name LIKE 'bench %';
            INSERT INTO keys (org_id, id, name, kind, public_id, label, hash)
              SELECT o.id, 'key_' || md5(o.id || n), 'k', 'inference', md5('p' || o.id || n), 'sk-weir', md5(o.id || n) || md5('x' || o.id || n)
              FROM orgs o, generate_series(1, {each}) n WHERE o.name LIKE 'bench %';
            """, self.cluster.name)
        began = time.monotonic()
        log = lambda: urllib.request.urlopen(f"{self.node.ops_url}/metrics", timeout=60).read().decode()
        eventually(lambda: re.search(r"weir_policy_staleness_seconds [0-4]\b", log()), "the keys are loaded", 300)
        time.sleep(5)
        return time.monotonic() - began

    def load(self, name, *arguments):
        """One run of the load generator against `floor` or `weir`; its JSON."""
        base, key, pid = {
            "floor": (self.floor, "sk-bench", self.floor_pid),
            "weir": (self.start["data_urls"][0].removeprefix("http://"), self.key, self.node.process.process.pid),
        }[name]
        out = self.home / "load.json"
        out.unlink(missing_ok=True)
        subprocess.run(
            ["taskset", "-c", "1", str(TOOLS / "loadgen"), "--base", f"http://{base}", "--key", key, "--model", MODEL,
             "--warmup", "2", "--duration", SECONDS, "--pid", str(pid), "--quiet", "--json", str(out), *arguments])
        seen = json.loads(out.read_text().splitlines()[-1])
        assert seen["non2xx"] == 0 and (seen["ok"] > 0 or seen["chunks"] > 0), seen
        return seen

    def side_by_side(self, *arguments):
        """Medians over the rounds, floor and Weir in turn."""
        runs = [(self.load("floor", *arguments), self.load("weir", *arguments)) for _ in range(ROUNDS)]
        return lambda read: [statistics.median(read(run[which]) for run in runs) for which in (0, 1)]


def proxying(world):
    if wanted("cpu_per_request_ratio"):
        median = world.side_by_side("--closed", "--conns", "32")
        floor, weir = median(lambda seen: seen["cpu_us_per_req"])
        print(f"  CPU per request: floor {floor:.1f} µs, weir {weir:.1f} µs", file=sys.stderr)
        figure("cpu_per_request_ratio", weir / floor, "ratio", "<= 3", ROUNDS)
    if wanted("cpu_per_chunk_ratio"):
        median = world.side_by_side("--stream", "--closed", "--conns", "100", "--ramp-ms", "1500", "--mock", "chunks=100000;delay_ms=10")
        floor, weir = median(lambda seen: seen["cpu_us_per_chunk"])
        print(f"  CPU per chunk: floor {floor:.1f} µs, weir {weir:.1f} µs", file=sys.stderr)
        figure("cpu_per_chunk_ratio", weir / floor, "ratio", "<= 2", ROUNDS)
    if wanted("memory_per_stream_ratio"):
        # Each more than the round before, so that memory already taken is not counted as none.
        median = world.side_by_side("--stream", "--closed", "--conns", "1000", "--ramp-ms", "3000", "--warmup", "5", "--mock", "chunks=100000;delay_ms=1000")
        floor, weir = median(lambda seen: (seen["rss_max_kb"] - seen["rss_before_kb"]) / 1000)
        print(f"  memory per stream: floor {floor:.1f} KiB, weir {weir:.1f} KiB", file=sys.stderr)
        figure("memory_per_stream_ratio", weir / max(floor, 0.1), "ratio", "<= 1.5", ROUNDS)
    if wanted("added_latency_p50_us"):
        median = world.side_by_side("--rate", "200", "--conns", "16")
        floor, weir = median(lambda seen: seen["lat_us"]["p50"])
        print(f"  p50 at 200/s: floor {floor:.0f} µs, weir {weir:.0f} µs", file=sys.stderr)
        figure("added_latency_p50_us", weir - floor, "us", "<= 150", ROUNDS)
    if wanted("orphan_upstream_streams"):
        stats = lambda: json.load(urllib.request.urlopen(f"http://{world.mock}/stats"))
        count = lambda now: now["streams_started"] - now["streams_completed"] - now["streams_aborted"]
        world.load("weir", "--stream", "--closed", "--conns", "200", "--mock", "chunks=100000;delay_ms=50")
        time.sleep(1)
        figure("orphan_upstream_streams", count(stats()), "streams", "0", 200)


class Watch(threading.Thread):
    """Asks one node's own port on a kept connection, with one key, until it is refused."""

    def __init__(self, url, secret):
        super().__init__()
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
            self.served.set()


def until_refused(world):
    """Milliseconds from just before a revocation is sent until both nodes refuse."""
    made = world.mutate("createKey", "key { id } secret", name="revoked soon")
    watches = [Watch(url, made["secret"]) for url in world.start["data_urls"]]
    for watch in watches:
        watch.start()
    for watch in watches:
        assert watch.served.wait(60)
    began = time.monotonic()
    world.mutate("revokeKey", "key { id }", id=made["key"]["id"])
    for watch in watches:
        watch.join(60)
    return max(watch.refused_at - began for watch in watches) * 1000


def propagation(world):
    if wanted("policy_enforced_2_nodes_p99_ms"):
        times = sorted(until_refused(world) for _ in range(CHANGES))
        print(f"  enforced: p50 {times[len(times) // 2]:.1f} ms, max {times[-1]:.1f} ms", file=sys.stderr)
        figure("policy_enforced_2_nodes_p99_ms", times[int(len(times) * 0.99) - 1], "ms", "<= 200", len(times))
    if wanted("policy_enforced_no_pubsub_max_ms"):
        world.servers.stop_redis()
        count = max(5, CHANGES // 10)
        figure("policy_enforced_no_pubsub_max_ms", max(until_refused(world) for _ in range(count)), "ms", "<= 3000", count)
        world.servers.start_redis()


def write(path):
    """Replaces the table of figures in the page."""
    rows = [f"| `{f['figure']}` | {f['value']} {f['unit']} | {f['goal']} | {f['n']} |" for f in FIGURES]
    table = "\n".join(["| figure | value | goal | n |", "|---|---|---|---|", *rows])
    text = path.read_text()
    path.write_text(re.sub(r"(<!-- figures -->\n).*?(\n<!-- end -->)", lambda m: m[1] + table + m[2], text, flags=re.S))


def main():
    if not (TOOLS / "loadgen").exists():
        sys.exit(f"{TOOLS}/loadgen is not there: set BENCH_TOOLS to the folder of the bench tools; docs/bench.md says which")
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as home:
        os.chmod(home, 0o755)
        world = World(pathlib.Path(home))
        try:
            world.key = world.govern()
            took = world.load_keys()
            print(f"  {KEYS} keys in 1000 organizations were there after {took:.0f} s", file=sys.stderr)
            proxying(world)
            propagation(world)
        finally:
            world.end()
    if len(sys.argv) == 3 and sys.argv[1] == "--write":
        write(pathlib.Path(sys.argv[2]))


if __name__ == "__main__":
    main()
