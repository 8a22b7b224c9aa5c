"""What a cluster still does while something is down, told in words that are the same in every run.

Invariant: a word comes from an answer of a running process or from the sandbox's own meter, never from what was expected.
"""

import pathlib
import sys
import threading
import time

import httpx

from cluster import ClusterWeir
from stack import HANG_S, NO_TLS, GraphQLError, Sandbox, eventually
from test_money import MINI, make_budget, pico

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "chaos"))

from verdict import is_never_dispatched, out_of_bounds, wrong_costs  # noqa: E402

# A hard budget is enough for about a hundred of these.
TEXT = '[[sandbox reply="a b c d" prompt_tokens=10 completion_tokens=300]]'
SLOW = "[[sandbox prompt_tokens=10 completion_tokens=300 chunks=25 chunk_ms=200]]"
LIMIT = "0.06"
RATE = 10
PROMISED_S = 3
RETAINING = {"order": ["openai"], "allow_fallbacks": False}
NO_RETENTION = "Sandbox (zero retention)"
# Hardly more patient than when nobody sets anything: what is refused must be refused soon.
SETTINGS = {"WEIR__BUDGET__LEASE_TIMEOUT_MS": "4000", "WEIR__ADMIN__PROPAGATION_TIMEOUT_MS": "5000"}
BUDGETS = """query($org: ID!) { organization(id: $org) { budgets(first: 20) { nodes {
    scopeId enforcement limit state { spent suspense escrow } } } } }"""
INPUTS = "{ __schema { types { kind inputFields { name } enumValues { name } } } }"


def body(text, **fields):
    return {"model": MINI, "messages": [{"role": "user", "content": text}], "max_tokens": 300, **fields}


def ask(url, secret, **fields):
    headers = {"Authorization": f"Bearer {secret}"}
    return httpx.post(f"{url}/v1/chat/completions", json=body(TEXT, **fields), headers=headers, timeout=HANG_S, verify=NO_TLS)


def word(answer):
    """What an app was told."""
    if answer.status_code == 200:
        return "served"
    return f"refused: {answer.status_code} {answer.json()['error']['metadata']['error_type']}"


def agreed(words):
    """The one word of all nodes, or each that there was."""
    return " / ".join(dict.fromkeys(words))


def until_refused(url, secret, most=400):
    """The words of one request after the other, up to the first that is not served."""
    words = []
    while len(words) < most:
        words.append(word(ask(url, secret)))
        if words[-1] != "served":
            break
    return ", then ".join(dict.fromkeys(words))


class Stream(threading.Thread):
    """A streamed answer, read to whatever end it comes to."""

    def __init__(self, url, secret):
        super().__init__(daemon=True)
        self.url, self.secret, self.begun, self.word = url, secret, threading.Event(), None
        self.start()

    def run(self):
        headers, last, failed = {"Authorization": f"Bearer {self.secret}"}, "", False
        where = f"{self.url}/v1/chat/completions"
        try:
            with httpx.stream("POST", where, json=body(SLOW, stream=True), headers=headers, timeout=HANG_S, verify=NO_TLS) as answer:
                for line in filter(None, answer.iter_lines()):
                    last, failed = line, failed or '"error"' in line
                    if '"content":"' in line:
                        self.begun.set()
        except httpx.TransportError:
            self.word = "break off"
            return
        self.word = "end in order" if last == "data: [DONE]" and not failed else f"end with {last[:80]}"

    def ended(self):
        self.join(HANG_S)
        return self.word or "hang"


class World:
    """A cluster with keys, policies and budgets of every kind, and a meter of its own."""

    def __init__(self, directory, servers, **settings):
        self.servers, self.weir = servers, None
        self.sandbox = Sandbox(directory)
        try:
            self.weir = ClusterWeir(directory / "cluster", self.sandbox, servers, **{**SETTINGS, **settings})
            self._people()
        except BaseException:
            self.end()
            raise

    def end(self):
        if self.weir:
            self.weir.end()
        self.sandbox.stop()

    def _people(self):
        weir = self.weir
        self.nodes = dict(zip(weir.data_urls, weir.nodes))
        self.plain = weir.create_key("plain")[1]
        gone, self.revoked = weir.create_key("revoked before")
        weir.revoke_key(gone)
        self.to_revoke = [weir.create_key(f"to be revoked {n}") for n in range(3)]
        self.without_retention = self._under({"zdr": True})
        self.narrowed = self._under({"allowedModels": ["anthropic/*"]})
        self.limits = {}
        self.hard, self.unleased, self.of_the_first = (self._budgeted(name) for name in ("hard", "unleased", "of the first node"))
        self.soft = weir.create_key("soft")
        weir.mutate("createBudget", "budget { id }", name="soft", scope="KEY", scopeId=self.soft[0], limit="0.000001", enforcement="SOFT")
        self.hasty = [weir.create_key(f"hasty {n}", requestsPerMinute=RATE)[1] for n in range(3)]
        first = weir.data_urls[0]
        assert word(ask(first, self.of_the_first[1])) == "served"
        for url in weir.data_urls:
            for secret in (self.plain, self.soft[1], self.hard[1], *(secret for _, secret in self.to_revoke)):
                assert word(ask(url, secret)) == "served"
        self.quiet()

    def _under(self, rules):
        key, secret = self.weir.create_key(f"under {rules}")
        self.weir.mutate("createPolicy", "policy { id }", name="a policy", layer="KEY", layerId=key, rules=rules)
        return secret

    def _budgeted(self, name):
        key, secret = self.weir.create_key(name)
        make_budget(self.weir, "KEY", key, LIMIT, name)
        self.limits[key] = pico(LIMIT)
        return key, secret

    # ---- what is seen while something is down

    def streams(self, urls):
        """Streams of each kind of key on each node, all under way."""
        some = [Stream(url, secret) for url in urls for secret in (self.plain, self.plain, self.hard[1])]
        for stream in some:
            assert stream.begun.wait(HANG_S), "a stream has begun"
        return some

    @staticmethod
    def in_flight(streams):
        """What happened came in the middle of these."""
        assert all(stream.is_alive() for stream in streams), [stream.word for stream in streams]

    def enforced(self, urls):
        """Everything but hard budgets."""
        return {
            "plain_key": agreed(word(ask(url, self.plain)) for url in urls),
            "revoked_key": agreed(word(ask(url, self.revoked)) for url in urls),
            "zero_retention": agreed(self._retained(url) for url in urls),
            "allowlist": agreed(word(ask(url, self.narrowed)) for url in urls),
            "soft_budget": agreed(word(ask(url, self.soft[1])) for url in urls),
        }

    def hard_budgets(self, urls):
        return {
            "unleased_budget": agreed(word(ask(url, self.unleased[1])) for url in urls),
            "hard_budget": self.hard_budget(urls),
        }

    def hard_budget(self, urls):
        """What it comes to when each node is asked until it refuses."""
        words = [until_refused(url, self.hard[1]) for url in urls]
        # Where all nodes draw on the same rest, the first may leave none for the others.
        shared = "402" in words[0] and all(words[0].endswith(other) for other in words)
        return words[0] if shared else agreed(words)

    def _retained(self, url):
        free = ask(url, self.without_retention)
        if free.status_code != 200 or free.json()["provider"] != NO_RETENTION:
            return f"without a wish {word(free)}, not at {NO_RETENTION}"
        return word(ask(url, self.without_retention, provider=RETAINING))

    def rate(self, urls):
        """More requests than the limit at each node in turn, within one minute."""
        for secret in self.hasty:
            minute = time.time() // 60
            admitted = [[word(ask(url, secret)) for _ in range(RATE + 1)].count("served") for url in urls]
            if time.time() // 60 == minute:
                break
        else:
            raise AssertionError(f"{RATE} requests at each node do not fit into a minute")
        if admitted == [RATE // len(urls)] * len(urls):
            return "each node admits its share"
        return "kept over all nodes" if sum(admitted) == RATE else f"admitted {admitted} of {RATE}"

    def revoked_within(self, urls, key):
        """Seconds from the mutation until every node refuses."""
        began = time.monotonic()
        self.weir.revoke_key(key[0])
        eventually(lambda: all(ask(url, key[1]).status_code == 401 for url in urls), "the revoked key is refused")
        return time.monotonic() - began

    def obeyed_in_time(self, urls, key):
        seconds = self.revoked_within(urls, key)
        print(f"obeyed by every node after {seconds:.3f} s")
        return f"obeyed by every node within {PROMISED_S} s" if seconds <= PROMISED_S else "obeyed by every node, too late"

    def not_revoked(self, urls, key):
        """What an admin is told, and whether anything of it is done all the same."""
        try:
            self.weir.revoke_key(key[0])
            told = "done"
        except GraphQLError as error:
            told = f"refused: {error.code}"
        except httpx.TransportError:
            told = "nobody answers"
        still = agreed(word(ask(url, key[1])) for url in urls)
        return f"{told}; nothing of it is done" if still == "served" else f"{told}; {still}"

    def strict(self):
        """Whether anything that can be set names strictness."""
        types = self.weir.graphql(INPUTS)["__schema"]["types"]
        settable = [one["name"] for kind in types for one in (kind["inputFields"] or []) + (kind["enumValues"] or [])]
        return "can be asked for" if any("strict" in name.lower() for name in settable) else "cannot be asked for"

    def escrow(self, key):
        return pico(self._budgets()[key[0]]["state"]["escrow"])

    def _budgets(self):
        nodes = self.weir.graphql(BUDGETS, org=self.weir.org())["organization"]["budgets"]["nodes"]
        return {budget["scopeId"]: budget for budget in nodes if budget["enforcement"] == "HARD"}

    # ---- what is seen afterwards

    def quiet(self):
        """Nothing is open and every journal is shipped."""
        lines = ("weir_journal_unshipped_events 0\n", "weir_open_requests 0\n")
        nodes = len(self.weir.nodes)
        eventually(lambda: all(self.weir.metrics().count(line) == nodes for line in lines), "all usage is in the ledger")

    def afterwards(self):
        """Everything runs again."""
        urls = self.weir.data_urls
        self.quiet()
        eventually(lambda: {word(ask(url, self.unleased[1])) for url in urls} == {"served"}, "money can be had again")
        self.revoked_within(urls, self.to_revoke.pop())
        seen = {
            "after_change": "obeyed by every node",
            "after_plain_key": agreed(word(ask(url, self.plain)) for url in urls),
            "after_hard_budget": self.hard_budget(urls),
        }
        self.quiet()
        return seen | self.books()

    def books(self):
        """The meter, the events, the ledger, the report and the budgets beside one another."""
        calls = {call["id"]: call for call in self.sandbox.calls()}
        events = self.weir.events()
        ids = {event["id"] for event in events}
        lost, double = calls.keys() - ids, len(events) - len(ids)
        return {
            "spent": self._spent(events, calls),
            "budgets": self._counted(events),
            "events_lost": f"{len(lost)}: {sorted(lost)[:3]}" if lost else "none",
            "events_double": f"{double}" if double else "none",
            "ledger": self._ledger(events, calls),
        }

    def _spent(self, events, calls):
        over = []
        for key, limit in self.limits.items():
            billed = sum(int(calls[event["id"]]["cost_pico"]) for event in events if event["keyId"] == key and event["id"] in calls)
            over += [f"{billed} of {limit}"] if billed > limit else []
        return "; ".join(over) or "within every limit"

    def _counted(self, events):
        off = []
        for key, budget in self._budgets().items():
            mine = [event for event in events if event["keyId"] == key]
            for what, column in (("spent", "cost"), ("suspense", "suspense")):
                said, is_so = pico(budget["state"][what]), sum(pico(event[column]) for event in mine)
                off += [f"{what} {said}, events {is_so}"] if said != is_so else []
        return "; ".join(off) or "equals the events"

    def _ledger(self, events, calls):
        report, total = self.weir.chargeback(), sum(pico(event["cost"]) for event in events)
        if not pico(report["total"]) == pico(report["ledgerTotal"]) == total:
            return f"report {report['total']}, ledger {report['ledgerTotal']}, events {total} pico"
        cut = [event for event in events if event["outcome"] != "ANSWERED"]
        unpaid = [event for event in cut if event["id"] not in calls and not is_never_dispatched(event)]
        if wrong := [*wrong_costs(events, calls), *out_of_bounds(events, calls), *unpaid]:
            return f"{len(wrong)} differ from the meter: {wrong[:2]}"
        return "equal the meter to the pico-dollar" + ("; cut calls lie within their reservations" if cut else "")
