"""Soft budgets tell and never refuse, narrowed ones count what matches, raises end by themselves, headers and bodies say why."""

import datetime
import json
import time
from decimal import Decimal

from stack import eventually

ANSWER = '[[sandbox reply="a b c d e f g h" prompt_tokens=10 completion_tokens=400]]'
MINI, NANO = "openai/gpt-4.1-mini", "openai/gpt-4.1-nano"
STATE = "budget { id enforcement state { spent exceeded effectiveLimit } raises { id } }"
QUERY = """query($org: ID!) { organization(id: $org) { budgets { nodes {
    id enforcement state { spent exceeded effectiveLimit available } } } } }"""


def budget(weir, **fields):
    return weir.mutate("createBudget", STATE, **{"name": "b", "scope": "ORG", "limit": "5", **fields})["budget"]["id"]


def ask(weir, secret, **fields):
    return weir.chat(ANSWER, key=secret, **{"max_tokens": 400, **fields})


def answered(response):
    assert response.status_code == 200, response.text
    return response


def cost(response):
    return json.loads(answered(response).text, parse_float=Decimal)["usage"]["cost"]


def refusal(response):
    assert response.status_code == 402, response.text
    return response.json()["error"]["metadata"]


def standing(weir, budget_id):
    nodes = weir.graphql(QUERY, org=weir.org())["organization"]["budgets"]["nodes"]
    return next(node["state"] for node in nodes if node["id"] == budget_id)


def notices(weir, budget_id):
    query = "query($o: ID!) { organization(id: $o) { budgets { nodes { id notices { percent spent limit } } } } }"
    nodes = weir.graphql(query, o=weir.org())["organization"]["budgets"]["nodes"]
    return next(node["notices"] for node in nodes if node["id"] == budget_id)


def spent(weir):
    return sum(Decimal(event["cost"]) for event in weir.events())


def test_a_soft_budget_serves_beyond_its_limit_and_says_so_until_it_is_made_hard(own_weir):
    weir = own_weir
    _, secret = weir.create_key("k")
    soft = budget(weir, limit="0.000000000001", enforcement="SOFT")
    for _ in range(3):
        assert "x-weir-budget-remaining" not in answered(ask(weir, secret)).headers
    weir.settled_events(3)
    state = eventually(lambda: (s := standing(weir, soft)) and Decimal(s["spent"]) == spent(weir) and s, "all is counted")
    assert [notice["percent"] for notice in notices(weir, soft)] == [80, 100]
    assert (state["exceeded"], state["effectiveLimit"], Decimal(state["available"])) == (True, "0.000000000001", 0)
    weir.mutate("updateBudget", STATE, id=soft, enforcement="HARD")
    assert Decimal(refusal(ask(weir, secret))["budget"]["spent"]) == spent(weir)
    weir.mutate("updateBudget", STATE, id=soft, enforcement="SOFT")
    answered(ask(weir, secret))


def test_a_budget_of_one_model_refuses_that_model_only_and_another_takes_over(own_weir):
    weir = own_weir
    _, secret = weir.create_key("k")
    answered(ask(weir, secret, model=NANO))
    weir.settled_events(1)
    narrow = budget(weir, name="only mini", limit="0.000001", filter={"models": [MINI]})
    assert Decimal(standing(weir, narrow)["spent"]) == 0
    assert refusal(ask(weir, secret))["budget"]["name"] == "only mini"
    assert answered(ask(weir, secret, model=NANO)).json()["model"] == NANO
    assert answered(ask(weir, secret, models=[NANO])).json()["model"] == NANO
    weir.settled_events(3)
    assert Decimal(standing(weir, narrow)["spent"]) == 0


def test_a_budget_of_a_tag_counts_what_was_spent_with_it_before_it_was_made(own_weir):
    weir = own_weir
    _, secret = weir.create_key("k")
    tagged, other = {"metadata": {"project": "atlas"}}, {"metadata": {"project": "Atlas"}}
    costs = [cost(ask(weir, secret, **tags)) for tags in (tagged, tagged, other, {})]
    weir.settled_events(4)
    made = budget(weir, limit=str(sum(costs[:2])), filter={"tag": {"key": "project", "value": "atlas"}})
    assert Decimal(standing(weir, made)["spent"]) == sum(costs[:2])
    refusal(ask(weir, secret, **tagged))
    answered(ask(weir, secret, **other))
    answered(ask(weir, secret))


def test_a_raise_lets_requests_through_until_it_ends(own_weir):
    weir = own_weir
    _, secret = weir.create_key("k")
    low = budget(weir, limit="0.000001")
    refusal(ask(weir, secret))
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    raised = {"amount": "1", "until": until.strftime("%Y-%m-%dT%H:%M:%SZ"), "reason": "launch"}
    made = weir.mutate("raiseBudget", STATE, id=low, **raised)["budget"]
    assert made["state"]["effectiveLimit"] == "1.000001"
    remaining, whose = answered(ask(weir, secret)).headers["x-weir-budget-remaining"].split("; budget=")
    assert 0 < Decimal(remaining) < 1 and whose == low
    weir.settled_events(1)
    [raise_] = made["raises"]
    weir.mutate("endBudgetRaise", STATE, id=raise_["id"])
    # What nodes hold is theirs until they have offered it back.
    told = eventually(lambda: (r := ask(weir, secret)).status_code == 402 and refusal(r), "the raise is over")
    assert Decimal(told["budget"]["limit"]) == Decimal(told["budget"]["spent"])
    actions = weir.graphql("query($o: ID!) { organization(id: $o) { auditLog { nodes { action } } } }", o=weir.org())
    actions = {node["action"] for node in actions["organization"]["auditLog"]["nodes"]}
    assert {"raise_budget", "end_budget_raise"} <= actions


def test_a_raise_ends_by_itself(own_weir):
    weir = own_weir
    low = budget(weir, limit="0.000001")
    until = time.time() + 3
    stamp = datetime.datetime.fromtimestamp(until, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    weir.mutate("raiseBudget", STATE, id=low, amount="1", until=stamp, reason="launch")
    eventually(lambda: standing(weir, low)["effectiveLimit"] == "0.000001" and time.time() >= until, "it ended")


def test_a_429_says_whose_limit_it_is(own_weir):
    weir = own_weir
    _, secret = weir.create_key("chatty", requestsPerMinute=1)
    statuses = [ask(weir, secret) for _ in range(3)]
    refused = next(response for response in statuses if response.status_code == 429)
    told = refused.json()["error"]["metadata"]
    limit = told["limit"]
    assert told["limit_source"] == "weir"
    assert (limit["scope"], limit["name"], limit["limit"], limit["spent"], limit["reserved"]) == ("key", "chatty", 1, 1, 0)
    assert limit["resets_at"] and limit["time_zone"] == "UTC"
