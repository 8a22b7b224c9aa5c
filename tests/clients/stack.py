"""A real Weir beside a real `weir sandbox`, as processes, on free ports. Nothing here is a mock of Weir."""

import json
import os
import ssl
import subprocess
import time

import httpx

from launch import ROOT, WEIR
from servers import Process, eventually, free_port

HANG_S = 60
# To load the system's certificates for each request takes longer than the request.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
# A machine whose disk is busy must not fail a test that is not about time.
PATIENT = {"WEIR__BUDGET__LEASE_TIMEOUT_MS": "30000", "WEIR__ADMIN__PROPAGATION_TIMEOUT_MS": "30000"}


def trust(url):
    """What httpx verifies a server by: the system's authorities where TLS is spoken."""
    return True if url.startswith("https:") else NO_TLS


def clean_env(**extra):
    kept = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY") and not k.startswith("WEIR__")}
    return {**kept, **PATIENT, **extra}


class Sandbox:
    """The simulated providers and their meter: the judge of every money test."""

    def __init__(self, directory):
        self.url = f"http://127.0.0.1:{free_port()}"
        arguments = [WEIR, "sandbox", "--listen", self.url.removeprefix("http://")]
        self.process = Process(arguments, directory / "sandbox.log", clean_env(), cwd=ROOT)
        eventually(lambda: self._up(), "the sandbox answers")

    def _up(self):
        try:
            return httpx.get(f"{self.url}/healthz", verify=NO_TLS).status_code == 200
        except httpx.TransportError:
            return False

    def calls(self):
        return httpx.get(f"{self.url}/_sandbox/meter", timeout=HANG_S, verify=NO_TLS).json()["calls"]

    def call(self, event_id):
        [call] = [c for c in self.calls() if c["id"] == event_id]
        return call

    def stats(self):
        return httpx.get(f"{self.url}/_sandbox/stats", verify=NO_TLS).json()

    def received(self, event_id):
        return httpx.get(f"{self.url}/_sandbox/requests", params={"id": event_id}, verify=NO_TLS).json()

    def knobs(self, settings):
        httpx.put(f"{self.url}/_sandbox/knobs", json=settings, verify=NO_TLS).raise_for_status()

    def clear_knobs(self):
        httpx.delete(f"{self.url}/_sandbox/knobs", verify=NO_TLS).raise_for_status()

    def stop(self):
        self.process.stop()


class GraphQLError(Exception):
    def __init__(self, errors):
        super().__init__(json.dumps(errors))
        self.code = errors[0].get("extensions", {}).get("code")
        self.field = errors[0].get("extensions", {}).get("field")


class Api:
    """What people and apps can do with a Weir, whatever its shape. `quickstart` says where it is."""

    quickstart: dict
    sandbox: Sandbox

    @property
    def data_url(self):
        """Where the next request goes: of several nodes, to each in turn."""
        return self.quickstart["data_url"]

    @property
    def data_urls(self):
        """Each node's own address."""
        return [self.quickstart["data_url"]]

    # ---- the control plane, with the owner's management key

    def graphql(self, query, key=None, **variables):
        url = self.quickstart["graphql_url"]
        response = httpx.post(
            url,
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {key or self.quickstart['management_key']}"},
            timeout=HANG_S,
            verify=trust(url),
        )
        answer = response.json()
        if answer.get("errors"):
            raise GraphQLError(answer["errors"])
        return answer["data"]

    def org(self):
        found = self.graphql("{ viewer { memberships { organization { id } } } }")
        return found["viewer"]["memberships"][0]["organization"]["id"]

    def mutate(self, mutation, selection, **fields):
        """One mutation with the organization filled in; returns its payload."""
        input_type = mutation[0].upper() + mutation[1:] + "Input"
        query = f"mutation($input: {input_type}!) {{ {mutation}(input: $input) {{ {selection} }} }}"
        return self.graphql(query, input={"organizationId": self.org(), **fields})[mutation]

    def create_team(self, name, cost_centre=None):
        return self.mutate("createTeam", "team { id }", name=name, costCentre=cost_centre)["team"]["id"]

    def create_key(self, name, **fields):
        """Returns (id, secret)."""
        made = self.mutate("createKey", "key { id } secret", name=name, **fields)
        return made["key"]["id"], made["secret"]

    def revoke_key(self, key_id):
        return self.mutate("revokeKey", "key { id revokedAt }", id=key_id)

    # ---- the data plane

    def post(self, path, body, key=None, headers=None, content=None):
        all_headers = {"Authorization": f"Bearer {key or self.quickstart['api_key']}", **(headers or {})}
        url = f"{self.data_url}{path}"
        if content is not None:
            all_headers.setdefault("Content-Type", "application/json")
            return httpx.post(url, content=content, headers=all_headers, timeout=HANG_S, verify=trust(url))
        return httpx.post(url, json=body, headers=all_headers, timeout=HANG_S, verify=trust(url))

    def chat(self, text, model="openai/gpt-4.1-mini", key=None, **fields):
        body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
        return self.post("/v1/chat/completions", body, key=key)

    # ---- what finance sees

    def month(self):
        return time.strftime("%Y-%m", time.gmtime())

    def chargeback(self):
        query = """query($org: ID!, $period: String!) { organization(id: $org) { chargeback(period: $period) {
            total ledgerTotal eventCount
            lines { teamId keyId model provider costCentre requests inputTokens outputTokens cost }
            cutCalls(first: 100) { nodes { eventId model outcome streamed cost suspense reserved } } } } }"""
        report = self.graphql(query, org=self.org(), period=self.month())["organization"]["chargeback"]
        return {**report, "cutCalls": report["cutCalls"]["nodes"]}

    def events(self):
        """Every usage event of the month, all pages."""
        query = """query($org: ID!, $period: String!, $after: String) { organization(id: $org) {
            usageEvents(period: $period, first: 100, after: $after) {
              nodes { id outcome usageSource cost streamed suspense reserved model provider status teamId keyId flags }
              pageInfo { hasNextPage endCursor } } } }"""
        events, after = [], None
        while True:
            page = self.graphql(query, org=self.org(), period=self.month(), after=after)["organization"]["usageEvents"]
            events += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return events
            after = page["pageInfo"]["endCursor"]

    def settled_events(self, count):
        """The month's events once there are `count` of them."""
        return eventually(lambda: (e := self.events()) and len(e) >= count and e, f"{count} usage events")

class Weir(Api):
    """One `weir run` with its own data directory."""

    shape = "run"

    def __init__(self, directory, sandbox, **settings):
        self.directory = directory
        self.data_dir = directory / "data"
        self.env = clean_env(
            WEIR__DATA_DIR=str(self.data_dir),
            WEIR__DATA__LISTEN=f"127.0.0.1:{free_port()}",
            WEIR__ADMIN__LISTEN=f"127.0.0.1:{free_port()}",
            WEIR__OPS__LISTEN=f"127.0.0.1:{free_port()}",
            WEIR__SANDBOX__URL=sandbox.url,
            **settings,
        )
        self.sandbox = sandbox
        self.start()

    def start(self):
        self.process = Process([WEIR, "run"], self.directory / "weir.log", self.env, cwd=ROOT)
        eventually(self._ready, "weir is ready", HANG_S)
        self.quickstart = json.loads((self.data_dir / "quickstart.json").read_text())
        return self

    def _ready(self):
        assert self.process.alive(), self.log()[-4000:]
        try:
            ready = httpx.get(f"http://{self.env['WEIR__OPS__LISTEN']}/readyz", verify=NO_TLS).status_code == 200
        except httpx.TransportError:
            return False
        return ready and (self.data_dir / "quickstart.json").exists()

    def kill(self):
        self.process.kill()

    def stop(self):
        return self.process.stop()

    def end(self):
        """Kills it, if it still runs."""
        if self.process.alive():
            self.kill()

    def log(self):
        return (self.directory / "weir.log").read_text(errors="replace")

    def second_start(self):
        """Another process on the same data directory, which has to end by itself."""
        env = {**self.env, "WEIR__DATA__LISTEN": f"127.0.0.1:{free_port()}"}
        return subprocess.run([WEIR, "run"], env=env, capture_output=True, text=True, timeout=HANG_S)

    def private(self):
        """The directories and files that nobody else may read."""
        return [self.data_dir], [self.data_dir / name for name in ("quickstart.json", "master.key", "policy.sealed")]

    def metrics(self):
        return httpx.get(f"{self.quickstart['ops_url']}/metrics", verify=NO_TLS).text
