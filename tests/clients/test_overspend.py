"""Ways past a limit that apps have found elsewhere: each ends at the limit, by the sandbox's own meter."""

import concurrent.futures
import re
import time

import pytest

from stack import eventually
from test_budget_terms import standing
from test_money import MINI, make_budget, pico, spend_until_refused
from test_prices import exported, imported

NANO, SONNET = "openai/gpt-4.1-nano", "anthropic/claude-sonnet-4.5"
NOWHERE_CHEAP = "[[sandbox status=500 site=openai]] [[sandbox status=500 site=zdr]]"
BILLABLE = {
    "chat/completions": {"model": MINI, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 10},
    "embeddings": {"model": "openai/text-embedding-3-small", "input": "some words"},
}
FREE = {"models", "key", "generation"}


def budgeted(weir, limit, **rules):
    """A key with a hard budget of its own: its secret, and the budget's id."""
    key, secret = weir.create_key(f"with {limit}")
    if rules:
        weir.mutate("createPolicy", "policy { id }", name="rules", layer="KEY", layerId=key, rules=rules)
    return secret, make_budget(weir, "KEY", key, limit, f"{limit} of its own")


def overruns(weir):
    """How many attempts nodes have raised the alarm for."""
    return sum(int(count) for count in re.findall(r"^weir_overruns_total (\d+)$", weir.metrics(), re.MULTILINE))


def test_the_first_request_of_a_key_nobody_has_seen_is_under_its_teams_budget(weir, meter):
    team = weir.create_team("poor")
    make_budget(weir, "TEAM", team, "0.000001", "next to nothing")
    for n in range(4):
        _, secret = weir.create_key(f"newcomer {n}", teamId=team)
        assert weir.chat("hi", key=secret).status_code == 402
    assert meter.calls() == []


def test_a_dear_fallback_of_a_cheap_model_is_under_the_budget(weir, meter):
    secret, _ = budgeted(weir, "0.0001")
    fallback = {"model": NANO, "models": [NANO, SONNET], "max_tokens": 20}
    answer = weir.chat(NOWHERE_CHEAP, key=secret, **fallback)
    assert answer.status_code == 402, answer.text
    assert {call["site"] for call in meter.calls()} == {"openai", "zdr"} and meter.bill() == 0


def test_a_request_larger_than_its_whole_budget_is_not_sent(weir, meter):
    secret, _ = budgeted(weir, "0.0001", unaffordable="REJECT")
    assert weir.chat("hi", key=secret, max_tokens=10_000).status_code == 402
    assert meter.calls() == []


def test_every_route_that_costs_draws_on_the_budget(weir, meter):
    hint = weir.post("/v1/no/such/route", {}).json()["error"]["message"]
    routes = set(re.split(r",\s*", hint.split("under /v1: ")[1]))
    assert routes == BILLABLE.keys() | FREE, "whoever adds a route says here whether it costs"
    secret, _ = budgeted(weir, "0.000000000001")
    for path, body in BILLABLE.items():
        for prefix in ("/v1", "/api/v1"):
            assert weir.post(f"{prefix}/{path}", body, key=secret).status_code == 402, path
    assert meter.calls() == []


@pytest.mark.parametrize("model, limit", [(MINI, "0.01"), ("anthropic/claude-haiku-4.5", "0.02")])
def test_an_image_is_reserved_for_by_its_providers_formula_and_not_as_a_whole_context(weir, meter, model, limit):
    secret, _ = budgeted(weir, limit, unaffordable="REJECT")
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    unknown = {"type": "file", "file": {"filename": "x.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}

    def ask(part):
        content = [{"type": "text", "text": "what is this?"}, part]
        return weir.post("/v1/chat/completions", {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": content}]}, key=secret)

    assert ask(image).status_code == 200
    # Nobody says how many tokens a file makes: its context is dearer than the budget.
    assert ask(unknown).status_code == 402
    assert len(meter.calls()) == 1 and meter.bill() <= pico(limit)


@pytest.mark.parametrize("model", [MINI, "anthropic/claude-haiku-4.5"])
def test_one_endless_stream_ends_within_its_budget(weir, meter, model):
    secret, _ = budgeted(weir, "0.002")
    endless = '[[sandbox reply="a b c d e f g h" prompt_tokens=10 completion_tokens=1000000]]'
    answer = weir.chat(endless, key=secret, model=model, stream=True)
    assert answer.status_code == 200 and answer.text.rstrip().endswith("[DONE]"), answer.text
    assert 0 < meter.bill() <= pico("0.002")


def test_what_a_provider_bills_beyond_the_cap_it_was_sent_is_counted_and_shown_as_overrun(weir, meter):
    secret, budget = budgeted(weir, "0.001")
    before = overruns(weir)
    answer = weir.chat("[[sandbox uncapped=true prompt_tokens=10 completion_tokens=5000]]", key=secret, max_tokens=10)
    assert answer.status_code == 200, answer.text
    bill = meter.bill()
    assert bill > pico("0.001")
    query = "query($org: ID!) { organization(id: $org) { budgets(first: 100) { nodes { id state { spent overrun } } } } }"

    def state():
        nodes = weir.graphql(query, org=weir.org())["organization"]["budgets"]["nodes"]
        [told] = [node["state"] for node in nodes if node["id"] == budget]
        return pico(told["spent"]), pico(told["overrun"])

    spent, overrun = eventually(lambda: (s := state()) and s[1] > 0 and s, "the overrun is shown")
    assert spent <= pico("0.001") and spent + overrun == bill
    assert overruns(weir) == before + 1
    # What nodes hold already is a part of what there was; nothing more is granted.
    assert 402 in [weir.chat("hi", key=secret, max_tokens=10).status_code for _ in range(20)]


def test_a_burst_over_all_nodes_is_held_to_the_limit_of_a_minute(weir, meter):
    for n in range(3):
        _, secret = weir.create_key(f"hasty {n}", requestsPerMinute=10)
        minute = time.time() // 60
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            statuses = list(pool.map(lambda _: weir.chat("hi", key=secret, max_tokens=10).status_code, range(40)))
        if time.time() // 60 == minute:
            break
    else:
        raise AssertionError("40 requests do not fit into a minute")
    assert set(statuses) == {200, 429} and statuses.count(200) <= 10


def test_amounts_far_below_a_cent_add_up_to_the_limit(weir, meter):
    secret, budget = budgeted(weir, "0.0003")
    text = '[[sandbox reply="a b" prompt_tokens=10 completion_tokens=5]]'
    for answered in range(300):
        if weir.chat(text, key=secret, model=NANO, max_tokens=5).status_code == 402:
            break
    assert answered > 50, "each costs a few millionths of a dollar"
    assert pico("0.0003") * 85 // 100 <= meter.bill() <= pico("0.0003")
    eventually(lambda: pico(standing(weir, budget)["spent"]) == meter.bill(), "each is counted in full")


def test_a_model_that_costs_nothing_is_served_when_the_budget_is_used_up(own_weir):
    weir = own_weir
    book = exported(weir)
    free = re.sub(r'(input|cached_input|output) = "(0\.10|0\.025|0\.40)"', r'\1 = "0"', book)
    assert free != book
    done = imported(weir, free, "--apply")
    assert done.returncode == 0, done.stderr
    key, secret = weir.create_key("used up")
    make_budget(weir, "KEY", key, "0.002", "soon nothing")
    refused, _ = spend_until_refused(weir, secret)
    assert refused.status_code == 402
    eventually(lambda: weir.chat("hi", key=secret, model=NANO, max_tokens=10).status_code == 200, "what is free is served", within_s=10)
