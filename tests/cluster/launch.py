#!/usr/bin/env python3
"""The production shape on one machine: Postgres, Redis, control planes, data planes, simulated providers, as processes.

Standard library only. `python3 tests/cluster/launch.py` runs it until Ctrl-C; tests import `Cluster`.
Invariant: everything that was started is stopped, in order; a second start on the same directory says so and ends.
"""

import argparse
import contextlib
import fcntl
import json
import os
import pathlib
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

from servers import START_S, Process, Servers, Trouble, eventually, free_port, left_over, private_json

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEIR = pathlib.Path(os.environ.get("WEIR_BIN", ROOT / "target" / "debug" / "weir"))
REAL_PROVIDERS = tuple(
    f"{name}_API_KEY"
    for name in "OPENAI ANTHROPIC CEREBRAS COHERE DEEPINFRA DEEPSEEK FIREWORKS GROQ MISTRAL NEBIUS PERPLEXITY SAMBANOVA TOGETHER XAI".split()
)
# Beside, not in the way of, `make run` (8080, 8081, 8083, 9090).
PORTS = {
    "data-1": 8180, "data-2": 8280, "admin-1": 8181, "link-1": 8182, "sandbox": 8183,
    "ops-control-1": 9180, "ops-data-1": 9181, "ops-data-2": 9182, "postgres": 55432, "redis": 56379,
}


def get(url):
    """Status and text of a GET; no status where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return None, str(error)


class Member:
    """One `weir` process with a directory of its own, and what `/readyz` says of it."""

    def __init__(self, role, name, home, ops, env):
        self.role, self.name, self.ops_url = role, name, f"http://{ops}"
        self.directory = home / name
        self.directory.mkdir(mode=0o700, exist_ok=True)
        self.log_file = self.directory / f"{name}.log"
        self.env = {**env, "WEIR__DATA_DIR": str(self.directory), "WEIR__OPS__LISTEN": ops, "WEIR__NODE_NAME": name}
        self.process = None

    def start(self):
        self.process = Process([WEIR, self.role], self.log_file, self.env, cwd=ROOT)
        return self

    def alive(self):
        return self.process is not None and self.process.alive()

    def kill(self):
        self.process.kill()

    def stop(self, within_s=START_S):
        return self.process.stop(within_s=within_s) if self.process else 0

    def is_ready(self):
        if not self.alive():
            raise Trouble(f"{self.name} has ended; {self.log_file} says why:\n{self.log()[-2000:]}")
        return get(f"{self.ops_url}/readyz")[0] == 200

    def ready(self, within_s=START_S):
        eventually(self.is_ready, f"{self.name} is ready; see {self.log_file}", within_s)
        return self

    def waits_for(self):
        """What it is not ready for; empty when it is ready, or does not answer."""
        status, text = get(f"{self.ops_url}/readyz")
        return text if status == 503 else ""

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""


class Cluster:
    """`controls` control planes and `nodes` data planes on `servers`, with the database and Redis prefix of that name."""

    def __init__(self, directory, servers, *, name="weir", controls=1, nodes=2, ports=None, sandbox_url=None, env=None):
        self.directory, self.servers, self.name = pathlib.Path(directory).resolve(), servers, name
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.ports, self.sandbox = ports or {}, None
        self.sandbox_url = sandbox_url
        master = self.directory / "master.key"
        if not master.exists():
            with open(os.open(master, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("WEIR__")} if env is None else env
        self.env = {
            **inherited,
            "WEIR__SECRETS__MASTER_KEY_FILE": str(master),
            "WEIR__REDIS__URL": servers.redis_url(),
            "WEIR__REDIS__PREFIX": name,
        }
        self.links = {n: self._address(f"link-{n}") for n in range(1, controls + 1)}
        self.data = {n: self._address(f"data-{n}") for n in range(1, nodes + 1)}
        self.controls = [self._control(n) for n in range(1, controls + 1)]
        self.nodes = [self._node(n) for n in range(1, nodes + 1)]

    def _address(self, what):
        return f"127.0.0.1:{self.ports.get(what) or free_port()}"

    def _control(self, n):
        env = {
            **self.env,
            "WEIR__STORE__URL": self.servers.url("weir_app", self.name),
            "WEIR__ADMIN__LISTEN": self._address(f"admin-{n}"),
            "WEIR__LINK__LISTEN": self.links[n],
            # What quickstart.json tells of.
            "WEIR__DATA__LISTEN": self.data[1],
            "WEIR__SANDBOX__URL": self.sandbox_url or "",
        }
        return Member("control", f"control-{n}", self.directory, self._address(f"ops-control-{n}"), env)

    def _node(self, n):
        links = ",".join(f"http://{address}" for address in self.links.values())
        # A node knows no provider's secret and no database.
        env = {k: v for k, v in self.env.items() if not k.endswith("_API_KEY")}
        env |= {"WEIR__DATA__LISTEN": self.data[n], "WEIR__LINK__URL": links}
        return Member("data", f"data-{n}", self.directory, self._address(f"ops-data-{n}"), env)

    def members(self):
        return [*self.controls, *self.nodes]

    def migrate(self):
        self.servers.database(self.name)
        store, owner = (self.servers.url(role, self.name) for role in ("weir_app", "weir_owner"))
        env = {**self.env, "WEIR__STORE__URL": store, "WEIR__STORE__MIGRATE_URL": owner}
        done = subprocess.run([WEIR, "migrate"], env=env, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise Trouble(f"the database cannot be brought up to date: {done.stderr.strip()}")

    def start_sandbox(self):
        address = self._address("sandbox")
        self.sandbox_url = f"http://{address}"
        self.sandbox = Process([WEIR, "sandbox", "--listen", address], self.directory / "sandbox.log", self.env, cwd=ROOT)
        eventually(lambda: get(f"{self.sandbox_url}/healthz")[0] == 200, "the simulated providers answer")
        for control in self.controls:
            control.env["WEIR__SANDBOX__URL"] = self.sandbox_url

    def start(self):
        """Migrates, starts every member, and waits until each is ready."""
        if not self.sandbox_url and not any(self.env.get(key) for key in REAL_PROVIDERS):
            self.start_sandbox()
        self.migrate()
        # The first start makes the first organization: one control plane does, the others find it.
        self.controls[0].start().ready()
        for member in self.members()[1:]:
            member.start()
        for member in self.members()[1:]:
            member.ready()
        return self

    def stop(self, within_s=START_S):
        """Apps first, truth last; the exit codes of the members."""
        codes = {}
        for group in (self.nodes, self.controls):
            running = [member for member in group if member.alive()]
            for member in running:
                member.process.send(signal.SIGTERM)
            codes |= {m.name: m.process.process.wait(timeout=within_s) for m in running}
        if self.sandbox:
            self.sandbox.stop()
        return codes

    def end(self):
        """Kills whatever still runs, in whatever state it is."""
        for member in self.members():
            if member.alive():
                member.kill()

    def quickstart(self):
        """What a newcomer needs: the fields of quickstart.json, and the addresses of all."""
        written = self.controls[0].directory / "quickstart.json"
        known = json.loads(written.read_text()) if written.exists() else {}
        data, ops = [f"http://{address}" for address in self.data.values()], [node.ops_url for node in self.nodes]
        admin = f"http://{self.controls[0].env['WEIR__ADMIN__LISTEN']}"
        addresses = {"admin_url": admin, "graphql_url": f"{admin}/graphql", "data_url": data[0], "ops_url": ops[0]}
        return {**known, **addresses, "data_urls": data, "ops_urls": ops, "control_ops_url": self.controls[0].ops_url}


@contextlib.contextmanager
def claimed(directory):
    """Holds the directory for this launcher alone."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(directory / "lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise Trouble(f"a cluster already runs on {directory} (pid {lock.read().strip()})") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        if pids := left_over(directory):
            raise Trouble(f"processes of an earlier start on {directory} still run; end them first: kill {' '.join(pids)}")
        yield


class Stop:
    """The first signal ends the wait and stops in order; the next ones are passed on, so that open streams end at once."""

    def __init__(self):
        self.asked, self.cluster = 0, None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on)

    def _on(self, *_):
        self.asked += 1
        if self.asked == 1 and self.cluster is None:
            raise KeyboardInterrupt
        if self.asked > 1 and self.cluster:
            for member in self.cluster.members():
                if member.alive():
                    member.process.send(signal.SIGTERM)


def tell(cluster, path):
    """The same that `weir run` prints."""
    told = cluster.quickstart()
    private_json(path, told)
    others = "".join(f"\n                 {url}/v1" for url in told["data_urls"][1:])
    providers = (f"SIMULATED providers at {cluster.sandbox_url} answer." if cluster.sandbox_url
                 else "Connected to the providers whose credentials are in the environment.")
    if "api_key" not in told:
        print(f"\nThe cluster is ready: API on {told['data_url']}/v1, web admin on {told['admin_url']}.")
        return
    print(f"""
The cluster is ready: Postgres, Redis, {len(cluster.controls)} control plane, {len(cluster.nodes)} data planes.

{providers}

  API            {told['data_url']}/v1{others}
  API key        {told['api_key']}
  web admin      {told['admin_url']}
  login          {told['email']}  {told['password']}
  GraphQL        {told['graphql_url']}
  management key {told['management_key']}
  operations     {'/metrics  '.join([told['control_ops_url'], *told['ops_urls']])}/metrics

Try it:

  curl {told['data_url']}/v1/chat/completions \\
    -H 'Authorization: Bearer {told['api_key']}' -H 'Content-Type: application/json' \\
    -d '{{"model": "openai/gpt-4.1-mini", "messages": [{{"role": "user", "content": "Hello"}}]}}'

The same is in {path} (readable by you alone). Stop with Ctrl-C.""", flush=True)


def run(directory, free_ports, stop):
    ports = {} if free_ports else PORTS
    servers = Servers(directory, ports.get("postgres"), ports.get("redis"))
    cluster = None
    try:
        print(f"starting Postgres and Redis in {directory}", flush=True)
        servers.start()
        print("starting the sandbox, a control plane and two data planes", flush=True)
        cluster = Cluster(directory, servers, ports=ports, sandbox_url=os.environ.get("WEIR__SANDBOX__URL"))
        cluster.start()
        stop.cluster = cluster
        tell(cluster, directory.parent / f"{directory.name}.json")
        while not stop.asked:
            for member in cluster.members():
                if not member.alive():
                    raise Trouble(f"{member.name} has ended; {member.log_file} says why")
            time.sleep(0.2)
    finally:
        print("stopping", flush=True)
        if cluster:
            stop.cluster = cluster
            cluster.stop(within_s=900)
        servers.stop()


def main():
    parser = argparse.ArgumentParser(description="A Weir cluster on this machine, until Ctrl-C.")
    parser.add_argument("--directory", type=pathlib.Path, default=ROOT / "data" / "cluster", help="where its state lives")
    parser.add_argument("--free-ports", action="store_true", help="any free ports instead of the fixed ones")
    arguments = parser.parse_args()
    if not WEIR.exists():
        sys.exit(f"weir: {WEIR} is not built yet: cargo build -p server --bin weir")
    stop = Stop()
    try:
        with claimed(arguments.directory):
            run(arguments.directory, arguments.free_ports, stop)
    except KeyboardInterrupt:
        sys.exit(130)
    except (Trouble, AssertionError) as trouble:
        sys.exit(f"weir: {trouble}")


if __name__ == "__main__":
    main()
