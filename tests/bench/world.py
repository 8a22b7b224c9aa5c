"""A cluster with a mock provider behind it, and the floor beside it.

Invariant: only processes started here are pinned, and all of them are stopped; the node that is measured has its core to
itself, as far as this machine's other work allows.
"""

import json
import os
import resource
import sys
import time
import urllib.request

from tools import MEASURED, OTHERS, ROOT, Tools, on_core

os.environ.setdefault("WEIR_BIN", str(ROOT / "target" / "release" / "weir"))
sys.path.insert(0, str(ROOT / "tests" / "cluster"))
from launch import Cluster  # noqa: E402
from servers import Servers, free_port  # noqa: E402

PLAIN, TRANSLATED = "openai/gpt-4.1-mini", "anthropic/claude-haiku-4.5"
ORGS = 1000


class World:
    def __init__(self, home):
        self.tools, self.servers, self.cluster = Tools(home), Servers(home), None
        # Children inherit both: Postgres, Redis, the planes, the tools. Each takes as many threads as it has cores, and two
        # thousand streams are four thousand open files.
        os.sched_setaffinity(0, {OTHERS})
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self.mock, self.floor = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.tools.mock(self.mock)
        self.floor_process = self.tools.floor(self.floor, self.mock)
        try:
            self._start(home)
        except BaseException:
            self.end()
            raise

    def _start(self, home):
        self.servers.start()
        env = {k: v for k, v in os.environ.items() if not k.startswith("WEIR__") and not k.endswith("_API_KEY")}
        for name in ("OPENAI", "ANTHROPIC"):
            env |= {f"{name}_API_KEY": "bench", f"{name}_BASE_URL": f"http://{self.mock}/v1"}
        self.cluster = Cluster(home, self.servers, env=env, sandbox_url="")
        self.node = self.cluster.nodes[0]
        self.cluster.start()
        on_core(MEASURED, self.node.process.process.pid)
        self.start = self.cluster.quickstart()

    def end(self):
        try:
            if self.cluster:
                self.cluster.stop()
        finally:
            if self.cluster:
                self.cluster.end()
            self.servers.destroy()
            self.tools.end()

    # ---- what is measured

    def restart_node(self, node=None):
        """A node anew, the measured one or another, with nothing to start from but the control plane; milliseconds from its start
        until it is ready."""
        node = node or self.node
        node.stop()
        (node.directory / "policy.sealed").unlink(missing_ok=True)
        began = time.monotonic()
        node.start()
        if node is self.node:
            on_core(MEASURED, node.process.process.pid)
        node.ready()
        return (time.monotonic() - began) * 1000

    def restart_floor(self):
        self.floor_process.terminate()
        self.floor_process.wait()
        self.floor_process = self.tools.floor(self.floor, self.mock)

    def node_memory_mib(self):
        status = open(f"/proc/{self.node.process.process.pid}/status").read()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def load(self, name, seconds, *pace, model=PLAIN, warmup=2):
        target = {
            "floor": (self.floor, "sk-bench", self.floor_process.pid),
            "weir": (self.start["data_urls"][0].removeprefix("http://"), self.key, self.node.process.process.pid),
        }[name]
        return self.tools.load(target, model, warmup, seconds, *pace)

    # ---- who asks

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
        """The key that asks: of a team and a member, under a hard budget at all four scopes."""
        found = self.graphql("{ viewer { memberships { organization { id } } } }")["viewer"]["memberships"][0]
        self.org = found["organization"]["id"]
        team = self.mutate("createTeam", "team { id }", name="bench")["team"]["id"]
        member = self.graphql(
            "query($org: ID!) { organization(id: $org) { members(first: 1) { nodes { id } } } }", org=self.org,
        )["organization"]["members"]["nodes"][0]["id"]
        made = self.mutate("createKey", "key { id } secret", name="bench", teamId=team, memberId=member)
        for scope, scope_id in (("ORG", None), ("TEAM", team), ("MEMBER", member), ("KEY", made["key"]["id"])):
            self.mutate("createBudget", "budget { id }", name=scope, scope=scope, scopeId=scope_id, limit="100000")
        self.key = made["secret"]

    def load_keys(self, count):
        """`count` keys of a thousand other organizations, written past the control plane, and both nodes started anew.

        One key that a node has seen moves to the last of these organizations: that the node then says so proves they are loaded.
        Milliseconds until ready, and MiB more than without them.
        """
        self.restart_node()
        before = self.node_memory_mib()
        witness = self.mutate("createKey", "key { id } secret", name="witness")
        zeros = "0" * 64
        self.servers.sql(f"""
            INSERT INTO orgs (id, name, policy_revision, published_revision, audit_seq, audit_hash, changed_at)
              SELECT 'org_' || md5('o' || n), 'bench ' || n, 1, 1, 0, '{zeros}', 0 FROM generate_series(1, {ORGS}) n;
            INSERT INTO ledger_heads (org_id, seq, hash) SELECT id, 0, '{zeros}' FROM orgs WHERE name LIKE 'bench %';
            INSERT INTO keys (org_id, id, name, kind, public_id, label, hash)
              SELECT o.id, 'key_' || md5(o.id || n), 'k', 'inference', md5('p' || o.id || n), 'sk-weir', md5(o.id || n) || md5('x' || o.id || n)
              FROM orgs o, generate_series(1, {max(1, count // ORGS)}) n WHERE o.name LIKE 'bench %';
            UPDATE keys SET org_id = 'org_' || md5('o{ORGS}') WHERE id = '{witness["key"]["id"]}';
            """, self.cluster.name)
        took = self.restart_node()
        self.restart_node(self.cluster.nodes[1])
        moved = self.servers.sql(f"SELECT 'org_' || md5('o{ORGS}')", self.cluster.name)
        for url in self.start["data_urls"]:
            request = urllib.request.Request(f"{url}/v1/key", headers={"Authorization": f"Bearer {witness['secret']}"})
            told = json.load(urllib.request.urlopen(request, timeout=60))["data"]["organization_id"]
            assert told == moved, f"{url} does not have the keys: the witness is of {told}, not of {moved}"
        return took, self.node_memory_mib() - before
