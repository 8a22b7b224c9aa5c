"""Compares the meter, the books and the apps' notes, to the pico-dollar.

Invariant: a figure counts breaches, so that its goal is 0; the first few of each are shown.
"""

import collections
import sys

from load import pico
from servers import eventually

SHOWN = 5
BUDGETS = """query($org: ID!) { organization(id: $org) { budgets(first: 100) { nodes {
    id name scope scopeId limit state { spent escrow suspense overrun } } } } }"""


class Figures:
    def __init__(self):
        self.lines = []

    def count(self, figure, breaches, n):
        """`breaches`: what contradicts the figure's promise, each as something to show."""
        breaches = list(breaches)
        for breach in breaches[:SHOWN]:
            print(f"chaos: {figure}: {breach}", file=sys.stderr)
        self.lines.append({"figure": figure, "value": len(breaches), "unit": "count", "goal": 0, "n": n})

    def amount(self, figure, value, n):
        self.lines.append({"figure": figure, "value": value, "unit": "pico-USD", "goal": 0, "n": n})


def compare(weir, sandbox, limits, apps):
    """The figures of a run that has come to rest."""
    orphans = open_streams(sandbox)
    calls = {call["id"]: call for call in sandbox.calls()}
    events = weir.events()
    by_id = {event["id"]: event for event in events}
    print(f"{len(calls)} calls, {len(events)} events: {dict(collections.Counter(e['outcome'] for e in events))}", flush=True)
    figures = Figures()
    figures.count("events_lost", calls.keys() - by_id.keys(), len(calls))
    figures.count("events_double", [i for i, n in collections.Counter(e["id"] for e in events).items() if n > 1], len(events))
    figures.count("events_without_a_call", (e for e in events if e["id"] not in calls and not is_never_dispatched(e)), len(events))
    figures.count("costs_not_the_providers_bill", wrong_costs(events, calls), len(events))
    figures.count("costs_out_of_bounds", out_of_bounds(events, calls), len(events))
    figures.count("answers_not_in_the_books", unbooked(apps.notes, events), len(apps.notes))
    figures.count("answers_of_a_strange_kind", apps.strange(), apps.served())
    money(figures, weir, events, calls, limits)
    figures.count("orphan_upstream_streams", range(orphans), len(calls))
    returned(figures, weir)
    return figures


def open_streams(sandbox):
    """How many streams stay open at the provider although every app has left."""
    try:
        eventually(lambda: sandbox.stats()["open_streams"] == 0, "", 10)
    except AssertionError:
        pass
    return sandbox.stats()["open_streams"]


def is_never_dispatched(event):
    """Reserved, and the node died or the app left before the provider was asked: nothing was seen of an answer."""
    return event["outcome"] != "ANSWERED" and pico(event["streamed"]) == 0


def wrong_costs(events, calls):
    for event in events:
        call = calls.get(event["id"])
        if call and event["outcome"] == "ANSWERED" and event["usageSource"] == "PROVIDER":
            if pico(event["cost"]) != int(call["cost_pico"]):
                yield event, call


def out_of_bounds(events, calls):
    for event in events:
        streamed, cost, reserved = (pico(event[name]) for name in ("streamed", "cost", "reserved"))
        bill = int(calls[event["id"]]["cost_pico"]) if event["id"] in calls else None
        if event["outcome"] == "FAILED":
            if cost or bill:
                yield event, bill
        elif not streamed <= cost <= reserved or cost + pico(event["suspense"]) > reserved:
            yield event, bill
        elif bill is not None and not streamed <= bill <= reserved:
            yield event, bill


def unbooked(notes, events):
    """An app that has read a whole answer has its cost on the bill, though the node died a moment later."""
    booked = {e["id"].split("_", 1)[1].split(".")[0]: e for e in events if e["outcome"] == "ANSWERED"}
    for request, note in notes.items():
        event = booked.get(request)
        if not event or pico(event["cost"]) != note["cost_pico"]:
            yield note, event


def money(figures, weir, events, calls, limits):
    """Events are the ledger are the report are the budgets, and no bill is beyond a limit."""
    report, total = weir.chargeback(), sum(pico(e["cost"]) for e in events)
    off = max(abs(pico(report["total"]) - total), abs(pico(report["ledgerTotal"]) - total))
    figures.amount("report_off", off, len(events))
    figures.count("report_events_off", range(abs(report["eventCount"] - len(events))), len(events))
    spent, suspense, billed = collections.Counter(), collections.Counter(), collections.Counter()
    for event in events:
        spent[event["teamId"]] += pico(event["cost"])
        suspense[event["teamId"]] += pico(event["suspense"])
        billed[event["teamId"]] += int(calls.get(event["id"], {"cost_pico": 0})["cost_pico"])
    overspent = sum(max(0, billed[team] - pico(limit)) for team, limit in limits.items())
    figures.amount("overspend", overspent, len(limits))
    drift = over = 0
    for budget in budgets(weir):
        state = {name: pico(value) for name, value in budget["state"].items()}
        team = budget["scopeId"]
        expected = (spent[team], suspense[team]) if team else (spent.total(), suspense.total())
        drift += abs(state["spent"] - expected[0]) + abs(state["suspense"] - expected[1])
        over += max(0, state["spent"] + state["suspense"] + state["escrow"] - pico(budget["limit"])) + state["overrun"]
        print(f"budget {budget['name']}: limit {budget['limit']}, " + ", ".join(f"{k} {v}" for k, v in budget["state"].items()), flush=True)
    figures.amount("budgets_off", drift, len(limits) + 1)
    figures.amount("budgets_over", over, len(limits) + 1)


def budgets(weir):
    return weir.graphql(BUDGETS, org=weir.org())["organization"]["budgets"]["nodes"]


def returned(figures, weir):
    """After a restart in order nobody holds budget money: nothing of what was granted in the confusion is left behind."""
    for node in weir.nodes:
        node.stop()
    weir.start()

    def held():
        return sum(pico(budget["state"]["escrow"]) for budget in budgets(weir))

    try:
        eventually(lambda: held() == 0, "", 30)
    except AssertionError:
        pass
    figures.amount("escrow_left_behind", held(), len(weir.nodes))
