"""The production shape with the same face as `stack.Weir`: Postgres, Redis, a control plane, two data planes, as processes."""

import itertools
import subprocess

import httpx

from launch import WEIR, Cluster
from servers import Servers, free_port
from stack import HANG_S, NO_TLS, Api, clean_env

__all__ = ["Cluster", "ClusterWeir", "Servers"]

NUMBERS = itertools.count(1)


class ClusterWeir(Api):
    """A cluster with a database of its own on shared servers. Requests go to its nodes in turn."""

    shape = "cluster"

    def __init__(self, directory, sandbox, servers, *, controls=1, nodes=2, **settings):
        self.directory, self.sandbox, self.servers = directory, sandbox, servers
        self.cluster = Cluster(
            directory, servers, name=f"weir_{next(NUMBERS)}", controls=controls, nodes=nodes,
            sandbox_url=sandbox.url, env=clean_env(**settings),
        )
        try:
            self.cluster.start()
        except BaseException:
            self.end()
            raise
        self._after_start()

    def _after_start(self):
        self.quickstart = self.cluster.quickstart()
        self._turn = itertools.cycle(self.quickstart["data_urls"])

    @property
    def nodes(self):
        return self.cluster.nodes

    @property
    def data_urls(self):
        return self.quickstart["data_urls"]

    @property
    def data_url(self):
        return next(self._turn)

    def kill(self):
        """`kill -9` of the first node; the others go on."""
        self.nodes[0].kill()

    def start(self):
        """Starts what does not run."""
        for member in self.cluster.members():
            if not member.alive():
                member.start()
        for member in self.cluster.members():
            member.ready()
        self._after_start()
        return self

    def stop(self):
        """0 when every process ended in order."""
        return max(self.cluster.stop().values(), key=abs, default=0)

    def end(self):
        """Kills whatever still runs."""
        self.cluster.end()

    def log(self):
        return "".join(member.log() for member in self.cluster.members())

    def second_start(self):
        """Another process on the first node's data directory, which has to end by itself."""
        env = {**self.nodes[0].env, "WEIR__DATA__LISTEN": f"127.0.0.1:{free_port()}", "WEIR__OPS__LISTEN": f"127.0.0.1:{free_port()}"}
        return subprocess.run([WEIR, "data"], env=env, capture_output=True, text=True, timeout=HANG_S)

    def private(self):
        """The directories and files that nobody else may read."""
        members, home = self.cluster.members(), self.directory
        files = [home / "master.key", home / "control-1" / "quickstart.json", *(n.directory / "policy.sealed" for n in self.nodes)]
        return [member.directory for member in members], files

    def metrics(self):
        return "".join(httpx.get(f"{member.ops_url}/metrics", verify=NO_TLS).text for member in self.nodes)
