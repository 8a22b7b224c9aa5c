"""A real `weir run` beside a real `weir sandbox`, as processes, on free ports. Nothing here is a mock of Weir."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import httpx

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEIR = ROOT / "target" / "debug" / "weir"
HANG_S = 60


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def eventually(check, what, within_s=HANG_S):
    """Polls `check` until it returns something true; fails with `what` when it never does."""
    deadline = time.monotonic() + within_s
    while True:
        last = check()
        if last:
            return last
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {what}; last seen: {last!r}")
        time.sleep(0.02)


def clean_env(**extra):
    kept = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY") and not k.startswith("WEIR__")}
    return {**kept, **extra}


class Process:
    def __init__(self, arguments, env, log):
        self.log = open(log, "ab")
        self.process = subprocess.Popen(arguments, env=env, cwd=ROOT, stdout=self.log, stderr=self.log)

    def alive(self):
        return self.process.poll() is None

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=HANG_S)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        self.log.close()
        return self.process.returncode


class Sandbox:
    """The simulated providers and their meter: the judge of every money test."""

    def __init__(self, directory):
        self.url = f"http://127.0.0.1:{free_port()}"
        arguments = [WEIR, "sandbox", "--listen", self.url.removeprefix("http://")]
        self.process = Process(arguments, clean_env(), directory / "sandbox.log")
        eventually(lambda: self._up(), "the sandbox answers")

    def _up(self):
        try:
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def calls(self):
        return httpx.get(f"{self.url}/_sandbox/meter", timeout=HANG_S).json()["calls"]

    def call(self, event_id):
        [call] = [c for c in self.calls() if c["id"] == event_id]
        return call

    def stats(self):
        return httpx.get(f"{self.url}/_sandbox/stats").json()

    def received(self, event_id):
        return httpx.get(f"{self.url}/_sandbox/requests", params={"id": event_id}).json()

    def knobs(self, settings):
        httpx.put(f"{self.url}/_sandbox/knobs", json=settings).raise_for_status()

    def clear_knobs(self):
        httpx.delete(f"{self.url}/_sandbox/knobs").raise_for_status()

    def stop(self):
        self.process.stop()


class GraphQLError(Exception):
    def __init__(self, errors):
        super().__init__(json.dumps(errors))
        self.code = errors[0].get("extensions", {}).get("code")
        self.field = errors[0].get("extensions", {}).get("field")


class Weir:
    """One `weir run` with its own data directory."""

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
        self.process = Process([WEIR, "run"], self.env, self.directory / "weir.log")
        eventually(self._ready, "weir is ready")
        self.quickstart = json.loads((self.data_dir / "quickstart.json").read_text())
        self.data_url = self.quickstart["data_url"]
        return self

    def _ready(self):
        assert self.process.alive(), (self.directory / "weir.log").read_text()[-4000:]
        try:
            ready = httpx.get(f"http://{self.env['WEIR__OPS__LISTEN']}/readyz").status_code == 200
        except httpx.TransportError:
            return False
        return ready and (self.data_dir / "quickstart.json").exists()

    def kill(self):
        self.process.kill()

    def stop(self):
        return self.process.stop()

    def log(self):
        return (self.directory / "weir.log").read_text(errors="replace")

    # ---- the control plane, with the owner's management key

    def graphql(self, query, key=None, **variables):
        response = httpx.post(
            self.quickstart["graphql_url"],
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {key or self.quickstart['management_key']}"},
            timeout=HANG_S,
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
        if content is not None:
            all_headers.setdefault("Content-Type", "application/json")
            return httpx.post(f"{self.data_url}{path}", content=content, headers=all_headers, timeout=HANG_S)
        return httpx.post(f"{self.data_url}{path}", json=body, headers=all_headers, timeout=HANG_S)

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
