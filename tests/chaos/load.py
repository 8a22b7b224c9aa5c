"""The apps: streamed or not, some of them leave in the middle; each writes down what it was told.

Invariant: a note is what an app knows by itself, and is made only of what it has read.
"""

import collections
import http.client
import json
import random
import threading
import time
from decimal import Decimal

MODELS = ["openai/gpt-4.1-mini", "openai/gpt-4.1-nano", "anthropic/claude-haiku-4.5"]
EXPECTED = {"200", "402", "429", "502", "503", "left", "broken off", "no connection"}
LEAVES, BREAKS, FAILS, SAYS_NOTHING = 0.10, 0.03, 0.03, 0.03


class Apps:
    """`workers` threads that send at least `n` requests together, and go on until they are told to stop."""

    def __init__(self, urls, secrets, seed, n, workers):
        self.hosts = [url.removeprefix("http://") for url in urls]
        self.secrets, self.seed, self.n = secrets, seed, n
        self.notes, self.outcomes, self.lock = {}, collections.Counter(), threading.Lock()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._work, args=(number,), daemon=True) for number in range(workers)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def served(self):
        """Requests that a node took: answered, refused, or broken off."""
        with self.lock:
            return sum(count for outcome, count in self.outcomes.items() if outcome != "no connection")

    def strange(self):
        """What no app should ever be told: neither an answer nor a refusal it could have expected."""
        return [outcome for outcome in self.outcomes.elements() if outcome not in EXPECTED]

    def summary(self):
        return ", ".join(f"{count} × {outcome}" for outcome, count in sorted(self.outcomes.items()))

    def _work(self, number):
        rng = random.Random(f"{self.seed} {number}")
        connections = [None] * len(self.hosts)
        while not self.stopping.is_set():
            at = rng.randrange(len(self.hosts))
            if connections[at] is None:
                connections[at] = http.client.HTTPConnection(self.hosts[at], timeout=60)
            try:
                outcome, note, is_kept = one(connections[at], rng, rng.choice(self.secrets))
            except (AssertionError, KeyError, TypeError, ValueError) as error:
                outcome, note, is_kept = f"not understood: {error!r}", None, False
            if not is_kept:
                connections[at].close()
                connections[at] = None
            with self.lock:
                self.outcomes[outcome] += 1
                if note:
                    self.notes[note["id"]] = note
            if outcome in ("no connection", "402"):
                # Neither a node that is away nor a budget that is used up gets better by asking faster.
                time.sleep(0.05)


def one(connection, rng, secret):
    """One request: its outcome, the note an app makes of a whole answer, and whether the connection may be used again."""
    stream, leaves = rng.random() < 0.6, rng.random() < LEAVES
    body = {
        "model": rng.choice(MODELS), "stream": stream, "max_tokens": 300,
        "messages": [{"role": "user", "content": script(rng) + " " + "x" * rng.randrange(300)}],
    }
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    except OSError:
        return "no connection", None, False
    if leaves and not stream:
        time.sleep(rng.uniform(0, 0.1))
        return "left", None, False
    try:
        answer = connection.getresponse()
        if leaves:
            answer.read(rng.randrange(1, 600))
            return "left", None, False
        text = answer.read().decode()
    except (OSError, http.client.HTTPException):
        return "broken off", None, False
    if answer.status != 200:
        return str(answer.status), None, not answer.will_close
    return "200", (noted_stream(text) if stream else noted(json.loads(text, parse_float=Decimal))), not answer.will_close


def script(rng):
    """What the sandbox is to do: mostly to answer, sometimes to fail, break off, or keep its usage to itself."""
    words = [f"chunks={rng.randrange(1, 8)}", f"chunk_ms={rng.randrange(0, 40)}", f"latency_ms={rng.randrange(0, 40)}",
             f"completion_tokens={rng.randrange(5, 300)}"]
    dice = rng.random()
    if dice < BREAKS:
        words.append("reset_after=1")
    elif dice < BREAKS + FAILS:
        words.append("status=500")
    elif dice < BREAKS + FAILS + SAYS_NOTHING:
        words.append("usage=none")
    return f'[[sandbox reply="a b c d e f g h" {" ".join(words)}]]'


def noted(body):
    return {"id": body["id"].rsplit("-", 1)[1], "cost_pico": pico(body["usage"]["cost"])}


def noted_stream(text):
    """The last event before the end has id and cost; a stream that ended otherwise is not noted."""
    lines = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    if not lines or lines[-1] != "[DONE]":
        return None
    last = json.loads(lines[-2], parse_float=Decimal) if len(lines) > 1 else {}
    return noted(last) if last.get("usage") and "error" not in last else None


def pico(usd):
    value = Decimal(usd) * 10**12
    assert value == int(value), usd
    return int(value)
