"""Budgets hold, and what finance downloads is what the sandbox's own meter says, to the pico-dollar."""

import collections
import concurrent.futures
import csv
import datetime
import io
from decimal import Decimal

import httpx
import pytest

from stack import eventually

MINI = "openai/gpt-4.1-mini"
PICO = 10**12


def pico(usd):
    value = Decimal(usd) * PICO
    assert value == int(value), usd
    return int(value)


def make_budget(weir, scope, scope_id, limit, name):
    made = weir.mutate("createBudget", "budget { id }", name=name, scope=scope, scopeId=scope_id, limit=limit)
    return made["budget"]["id"]


def refusal(response):
    assert response.status_code == 402, response.text
    return response.json()["error"]


def spend_until_refused(weir, secret, most=500):
    """The refusal, and how many requests were answered before it."""
    text = '[[sandbox reply="a b c d e f g h" prompt_tokens=10 completion_tokens=400]]'
    for answered in range(most):
        answer = weir.chat(text, key=secret, max_tokens=400)
        if answer.status_code != 200:
            return answer, answered
    raise AssertionError("the budget was never used up")


def true_cost_by_event(sandbox):
    return {c["id"]: c for c in sandbox.calls() if c["id"]}


@pytest.mark.parametrize("scope", ["ORG", "TEAM", "MEMBER", "KEY"])
def test_a_used_up_budget_is_a_402_that_names_it_what_was_spent_and_when_it_resets(own_weir, sandbox, scope):
    weir = own_weir
    team = weir.create_team("spenders")
    query = "query($org: ID!) { organization(id: $org) { members(first: 1) { nodes { id } } } }"
    [member] = [m["id"] for m in weir.graphql(query, org=weir.org())["organization"]["members"]["nodes"]]
    key, secret = weir.create_key("spender", teamId=team, memberId=member)
    scope_id = {"ORG": None, "TEAM": team, "MEMBER": member, "KEY": key}[scope]
    make_budget(weir, scope, scope_id, "0.01", f"{scope} money")
    last, answered = spend_until_refused(weir, secret)
    error = refusal(last)
    budget = error["metadata"]["budget"]
    assert budget["name"] == f"{scope} money" and budget["scope"] == scope.lower()
    assert f"{scope} money" in error["message"] and budget["resets_at"] in error["message"]
    assert error["metadata"]["limit_source"] == "weir_budget"
    calls = true_cost_by_event(sandbox)
    events = weir.settled_events(answered)
    true_spend = sum(int(calls[e["id"]]["cost_pico"]) for e in events)
    assert pico(budget["spent"]) <= true_spend <= pico("0.01")
    assert true_spend >= pico("0.01") * 90 // 100, "the budget could not be used"


def test_many_concurrent_requests_never_exceed_a_budget(own_weir, sandbox):
    weir = own_weir
    team = weir.create_team("crowd")
    keys = [weir.create_key(f"crowd {n}", teamId=team)[1] for n in range(4)]
    make_budget(weir, "TEAM", team, "0.02", "crowd money")
    text = '[[sandbox reply="a b c d" prompt_tokens=10 completion_tokens=300 latency_ms=20]]'

    def one(n):
        return weir.chat(text, key=keys[n % 4], max_tokens=300, stream=n % 2 == 0).status_code

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        statuses = collections.Counter(pool.map(one, range(200)))
    assert set(statuses) == {200, 402} and statuses[402] > 0
    calls = true_cost_by_event(sandbox)
    events = weir.settled_events(statuses[200])
    assert sum(int(calls[e["id"]]["cost_pico"]) for e in events) <= pico("0.02")


def test_all_budgets_or_none(own_weir, sandbox):
    """The key's budget is empty, so the team's is not touched by what the key is refused."""
    weir = own_weir
    team = weir.create_team("shared")
    poor, poor_secret = weir.create_key("poor", teamId=team)
    _, rich_secret = weir.create_key("rich", teamId=team)
    make_budget(weir, "TEAM", team, "1", "team money")
    make_budget(weir, "KEY", poor, "0.000001", "pocket money")
    for _ in range(50):
        assert refusal(weir.chat("hi", key=poor_secret))["metadata"]["budget"]["name"] == "pocket money"
    assert weir.chat("hi", key=rich_secret).status_code == 200
    org = weir.org()
    query = "query($org: ID!) { organization(id: $org) { budgets(first: 10) { nodes { name state { spent escrow } } } } }"
    [shared] = [
        b for b in weir.graphql(query, org=org)["organization"]["budgets"]["nodes"] if b["name"] == "team money"
    ]
    assert pico(shared["state"]["spent"]) < pico("0.01")


def test_a_request_without_max_tokens_is_sent_with_a_cap_under_a_budget(own_weir, sandbox):
    weir = own_weir
    key, secret = weir.create_key("capped")
    make_budget(weir, "KEY", key, "0.001", "small money")
    answer = eventually(
        lambda: (a := weir.chat("hi there", key=secret)) and a.headers.get("x-weir-output-cap") and a, "capped", within_s=5
    )
    assert answer.status_code == 200
    event = answer.json()["id"].rsplit("-", 1)[1]
    [received] = sandbox.received(f"req_{event}.1")["requests"]
    sent = received["json"].get("max_tokens") or received["json"].get("max_completion_tokens")
    assert str(sent) in answer.headers["x-weir-output-cap"]
    assert 0 < sent < 4096


def test_the_csv_is_the_ledger_is_the_events_is_the_providers_bill(own_weir, sandbox):
    weir = own_weir
    teams = [weir.create_team(f"team {n}", f"CC-{n}") for n in range(3)]
    keys = [weir.create_key(f"key {n}", teamId=teams[n % 3])[1] for n in range(5)]
    models = [MINI, "openai/gpt-4.1-nano", "anthropic/claude-haiku-4.5", "anthropic/claude-sonnet-4.5"]

    def one(n):
        script = f"prompt_tokens={11 + n} completion_tokens={7 + 3 * n} cached_tokens={n % 5}"
        body = f'[[sandbox reply="a b c d e" {script}]] {"x" * 200}'
        return weir.chat(body, key=keys[n % 5], model=models[n % 4], stream=n % 3 == 0, max_tokens=1000)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert {r.status_code for r in pool.map(one, range(120))} == {200}
    events = weir.settled_events(120)
    calls = true_cost_by_event(sandbox)
    assert len(events) == 120 and {e["outcome"] for e in events} == {"ANSWERED"}
    bill = sum(int(calls[e["id"]]["cost_pico"]) for e in events)
    report = weir.chargeback()
    assert pico(report["total"]) == pico(report["ledgerTotal"]) == bill
    rows = list(csv.DictReader(io.StringIO(download(weir))))
    assert sum(pico(row["cost_usd"]) for row in rows) == bill
    by_team = collections.Counter()
    for event in events:
        by_team[event["teamId"]] += int(calls[event["id"]]["cost_pico"])
    for team in teams:
        assert sum(pico(r["cost_usd"]) for r in rows if r["team_id"] == team) == by_team[team]
    assert {r["cost_centre"] for r in rows} == {"CC-0", "CC-1", "CC-2"}
    assert {r["model"] for r in rows} == set(models)


def download(weir, path="chargeback.csv"):
    response = httpx.get(
        f"{weir.quickstart['admin_url']}/reports/{path}",
        params={"org": weir.org(), "period": weir.month()},
        headers={"Authorization": f"Bearer {weir.quickstart['management_key']}"},
    )
    assert response.status_code == 200, response.text
    assert "attachment" in response.headers["content-disposition"]
    return response.text


def test_the_report_says_up_to_when_it_is_complete_and_an_open_call_holds_it_back(own_weir, sandbox):
    weir = own_weir
    query = (
        "query($org: ID!, $period: String!) "
        "{ organization(id: $org) { usageCompleteTo chargeback(period: $period) { completeTo eventCount } } }"
    )

    def report():
        organization = weir.graphql(query, org=weir.org(), period=weir.month())["organization"]
        told = organization["chargeback"]["completeTo"]
        return told and datetime.datetime.fromisoformat(told), organization["chargeback"]["eventCount"]

    def now():
        return datetime.datetime.now(datetime.UTC)

    eventually(lambda: report()[0], "the node has said")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = '[[sandbox reply="a b c d e f g h i j" chunks=10 chunk_ms=500]]'
        asked = now()
        call = pool.submit(weir.chat, slow, stream=True, max_tokens=100)
        # Longer than two turns of the node, while the answer is still on its way.
        while now() - asked < datetime.timedelta(seconds=3):
            complete_to, events = report()
            assert not call.done() and events == 0
        assert asked - datetime.timedelta(seconds=1.5) < complete_to < now() - datetime.timedelta(seconds=2)
        assert call.result().status_code == 200
    ended = now()
    assert eventually(lambda: (r := report())[0] > ended and r, "its event is in")[1] == 1
    rows = list(csv.DictReader(io.StringIO(download(weir))))
    assert [datetime.datetime.fromisoformat(row["complete_to_utc"]) > ended for row in rows] == [True]


@pytest.mark.parametrize("model", [MINI, "anthropic/claude-haiku-4.5"])
def test_a_client_that_leaves_stops_the_provider_and_pays_for_its_part(own_weir, sandbox, model):
    weir = own_weir
    body = {
        "model": model,
        "stream": True,
        "max_tokens": 500,
        "messages": [{"role": "user", "content": '[[sandbox reply="a b c d e f g h i j" chunks=10 chunk_ms=200 completion_tokens=50]]'}],
    }
    headers = {"Authorization": f"Bearer {weir.quickstart['api_key']}"}
    with httpx.stream("POST", f"{weir.data_url}/v1/chat/completions", json=body, headers=headers) as stream:
        seen = 0
        for line in stream.iter_lines():
            seen += line.startswith("data: ") and '"content":"' in line
            if seen >= 3:
                break
    [event] = weir.settled_events(1)
    call = eventually(lambda: (c := sandbox.call(event["id"])) and c["state"] == "cut" and c, "the stream was cut")
    eventually(lambda: sandbox.stats()["open_streams"] == 0, "no stream is left open at the provider")
    assert event["outcome"] == "CUT"
    streamed, cost, reserved = pico(event["streamed"]), pico(event["cost"]), pico(event["reserved"])
    assert 0 < streamed <= cost <= reserved
    assert streamed <= int(call["cost_pico"]) <= reserved
    [listed] = weir.chargeback()["cutCalls"]
    assert listed["eventId"] == event["id"] and listed["cost"] == event["cost"]


@pytest.mark.parametrize("usage", ["none", "absurd"])
@pytest.mark.parametrize("stream", [False, True])
def test_missing_or_absurd_usage_is_counted_flagged_and_within_its_bounds(own_weir, sandbox, usage, stream):
    weir = own_weir
    answer = weir.chat(f'[[sandbox reply="a b c d" usage={usage}]]', model="openai/gpt-4.1", stream=stream, max_tokens=50)
    assert answer.status_code == 200, answer.text
    [event] = weir.settled_events(1)
    assert event["usageSource"] == "COUNTED"
    assert {"none": "usage_missing", "absurd": "usage_absurd"}[usage] in event["flags"]
    assert pico(event["streamed"]) <= pico(event["cost"]) <= pico(event["reserved"])
    assert int(sandbox.call(event["id"])["cost_pico"]) <= pico(event["reserved"])
