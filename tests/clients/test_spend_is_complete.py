"""Spend that other gateways lose: calls that timed out, apps that left, fallbacks; each is on the bill, at its own price."""

import httpx
import pytest

from stack import HANG_S, eventually, trust
from test_generation import there
from test_money import MINI, pico

NANO, SONNET = "openai/gpt-4.1-nano", "anthropic/claude-sonnet-4.5"


def event_of(weir, call):
    return eventually(lambda: next((e for e in weir.events() if e["id"] == call["id"]), None), "its event is in the ledger")


def in_bounds(event, call):
    streamed, cost, reserved = (pico(event[name]) for name in ("streamed", "cost", "reserved"))
    return streamed <= cost <= cost + pico(event["suspense"]) <= reserved and streamed <= int(call["cost_pico"]) <= reserved


def leave(weir, body, after_s=None, after_chunks=None):
    """An app that hangs up."""
    headers, url = {"Authorization": f"Bearer {weir.quickstart['api_key']}"}, weir.data_url
    timeout = httpx.Timeout(HANG_S, read=after_s or HANG_S)
    with httpx.stream("POST", f"{url}/v1/chat/completions", json=body, headers=headers, timeout=timeout, verify=trust(url)) as answer:
        chunks = 0
        for line in answer.iter_lines():
            chunks += '"content":"' in line
            if chunks == after_chunks:
                return


def test_a_call_that_timed_out_is_on_the_bill_within_its_reservation(start_weir, meter):
    weir = start_weir(WEIR__UPSTREAM__WHOLE_TIMEOUT_MS="700")
    answer = weir.chat("[[sandbox latency_ms=2500 prompt_tokens=50 completion_tokens=50]]", model="openai/gpt-4.1", max_tokens=100)
    assert answer.status_code == 504, answer.text
    [call] = meter.calls()
    event = event_of(weir, call)
    call = eventually(lambda: (c := meter.calls()[0]) and c["state"] != "open" and c, "the provider has ended the call")
    assert event["outcome"] == "BROKEN" and pico(event["cost"]) > 0 and in_bounds(event, call), (event, call)
    assert [cut["eventId"] for cut in weir.chargeback()["cutCalls"]] == [event["id"]]


@pytest.mark.parametrize("model", [MINI, "anthropic/claude-haiku-4.5"])
def test_an_app_that_leaves_before_a_whole_answer_came_is_billed_what_the_provider_bills(weir, meter, model):
    text = '[[sandbox reply="a b c" latency_ms=1200 prompt_tokens=40 completion_tokens=60]]'
    body = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 100}
    with pytest.raises(httpx.ReadTimeout):
        leave(weir, body, after_s=0.5)
    [call] = eventually(meter.calls, "the provider was asked")
    event = event_of(weir, call)
    [call] = meter.calls()
    assert int(call["cost_pico"]) > 0 and in_bounds(event, call), (event, call)
    assert event["outcome"] != "ANSWERED" or pico(event["cost"]) == int(call["cost_pico"])


def test_a_stream_that_is_left_late_is_charged_for_all_that_came(weir, meter):
    words = " ".join(f"word{n}" for n in range(200))
    body = {
        "model": MINI, "stream": True, "max_tokens": 4000,
        "messages": [{"role": "user", "content": f'[[sandbox reply="{words}" chunks=100 chunk_ms=10]]'}],
    }
    leave(weir, body, after_chunks=90)
    [call] = eventually(lambda: [c for c in meter.calls() if c["state"] == "cut"], "the stream was cut")
    event = event_of(weir, call)
    assert event["outcome"] == "CUT" and in_bounds(event, call), (event, call)
    assert pico(event["cost"]) * 2 > int(call["cost_pico"]), "not one token for ninety chunks"


def test_a_fallback_is_charged_at_the_price_of_the_model_that_answered(weir, meter):
    script = '[[sandbox status=500 site=openai]] [[sandbox status=500 site=zdr]] [[sandbox reply="a b" prompt_tokens=100 completion_tokens=50]]'
    answer = weir.chat(script, model=NANO, models=[NANO, SONNET], max_tokens=100)
    assert answer.status_code == 200 and answer.json()["model"] == SONNET, answer.text
    data = there(weir, answer.headers["x-generation-id"])
    assert data["model"] == SONNET and pico(data["total_cost"]) == meter.bill() == 100 * 3_000_000 + 50 * 15_000_000
    assert [response["outcome"] for response in data["provider_responses"]] == ["failed", "failed", "answered"]


def test_two_people_behind_one_key_are_told_apart(weir):
    generations = {user: weir.chat("hi", user=user).headers["x-generation-id"] for user in ("u-1", "u-2")}
    assert {user: there(weir, generation)["external_user"] for user, generation in generations.items()} == {"u-1": "u-1", "u-2": "u-2"}
