"""What goes wrong, in an order that a seed decides: each kind once per round, the rounds shuffled."""

import collections
import signal
import threading
import time

SHORTEST_S, LONGEST_S = 0.1, 1.5


class Faults:
    """One fault after the other, some of them overlapping; everything that was stopped is started again."""

    def __init__(self, weir, servers, rng):
        self.weir, self.servers, self.rng, self.played = weir, servers, rng, []
        # Whoever was found dead and had not been killed.
        self.ended = []
        self.kinds = [
            self.kill_a_node, self.kill_a_node, self.kill_all_nodes, self.kill_a_control_plane, self.kill_every_control_plane,
            self.empty_redis, self.stop_redis, self.crash_postgres, self.freeze_something, self.crash_postgres_and_kill_a_node,
        ]

    def play_until(self, done):
        """At least one whole round, then on until `done`."""
        while True:
            for kind in self.rng.sample(self.kinds, len(self.kinds)):
                time.sleep(self.rng.uniform(0.2, 1.5))
                self.played.append(kind.__name__)
                kind()
            if done():
                return

    def look_around(self):
        """Notes whoever has ended by itself: whatever is away, everybody else waits for it."""
        for member in self.weir.cluster.members():
            if not member.alive():
                self.ended.append((member.name, member.process.process.returncode, member.log()[-300:]))
                member.start()

    def summary(self):
        return ", ".join(f"{count} × {name.replace('_', ' ')}" for name, count in sorted(collections.Counter(self.played).items()))

    def _while_away(self):
        time.sleep(self.rng.uniform(SHORTEST_S, LONGEST_S))

    def _kill(self, members):
        self.look_around()
        for member in members:
            member.kill()
        self._while_away()
        for member in members:
            member.start()

    # ---- the faults

    def kill_a_node(self):
        self._kill([self.rng.choice(self.weir.nodes)])

    def kill_all_nodes(self):
        self._kill(self.weir.nodes)

    def kill_a_control_plane(self):
        self._kill([self.rng.choice(self.weir.cluster.controls)])

    def kill_every_control_plane(self):
        self._kill(self.weir.cluster.controls)

    def empty_redis(self):
        self.servers.redis_command("FLUSHALL")

    def stop_redis(self):
        self.servers.stop_redis()
        self._while_away()
        self.servers.start_redis()

    def crash_postgres(self):
        # SIGQUIT: no checkpoint, no good-bye, recovery at the next start.
        self.servers.stop_postgres(signal.SIGQUIT)
        self._while_away()
        self.servers.start_postgres()

    def crash_postgres_and_kill_a_node(self):
        self.look_around()
        node = self.rng.choice(self.weir.nodes)
        node.kill()
        self.crash_postgres()
        node.start()

    def freeze_something(self):
        """One process stands still and goes on, as if nothing had happened, while another is killed."""
        frozen = self.rng.choice(self.weir.cluster.members())
        others = [node for node in self.weir.nodes if node is not frozen]
        frozen.process.send(signal.SIGSTOP)
        killing = threading.Thread(target=self._kill, args=([self.rng.choice(others)],))
        killing.start()
        self._while_away()
        frozen.process.send(signal.SIGCONT)
        killing.join()
