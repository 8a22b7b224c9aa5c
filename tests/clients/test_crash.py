"""`kill -9` in the middle of many requests: no event is lost, none is doubled, every cut call is inside its bounds."""

import concurrent.futures
from decimal import Decimal

import httpx

from stack import eventually


def pico(usd):
    return int(Decimal(usd) * 10**12)


def test_a_kill_in_the_middle_of_200_requests_loses_and_doubles_nothing(own_weir, sandbox):
    weir = own_weir
    before = {c["seq"] for c in sandbox.calls()}
    models = ["openai/gpt-4.1-mini", "anthropic/claude-haiku-4.5"]

    def one(n):
        script = f'[[sandbox reply="a b c d e f g h" chunks=8 chunk_ms={20 + n % 7} completion_tokens={20 + n}]]'
        try:
            return weir.chat(script, model=models[n % 2], stream=n % 2 == 0, max_tokens=1000).status_code
        except httpx.TransportError:
            return None

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        requests = [pool.submit(one, n) for n in range(200)]
        eventually(lambda: len([c for c in sandbox.calls() if c["seq"] not in before]) >= 60, "requests are under way")
        weir.kill()
        outcomes = [request.result() for request in requests]
    assert outcomes.count(200) > 0 and outcomes.count(None) > 0
    weir.start()
    eventually(lambda: sandbox.stats()["open_streams"] == 0, "the provider noticed")
    calls = {c["id"]: c for c in sandbox.calls() if c["seq"] not in before}
    events = eventually(
        lambda: (found := weir.events()) and {e["id"] for e in found} >= set(calls) and found,
        "every call of the provider's meter is in the ledger",
    )
    assert len({e["id"] for e in events}) == len(events), "an event is there twice"
    interrupted = 0
    for event in events:
        call = calls.get(event["id"])
        if event["outcome"] == "ANSWERED":
            assert pico(event["cost"]) == int(call["cost_pico"]), (event, call)
            continue
        interrupted += 1
        assert event["outcome"] == "INTERRUPTED", event
        assert pico(event["streamed"]) <= pico(event["cost"]) <= pico(event["reserved"])
        if call:
            assert pico(event["streamed"]) <= int(call["cost_pico"]) <= pico(event["reserved"]), (event, call)
    assert interrupted > 0
    report = weir.chargeback()
    assert pico(report["total"]) == pico(report["ledgerTotal"]) == sum(pico(e["cost"]) for e in events)
    listed = {c["eventId"] for c in report["cutCalls"]}
    assert listed == {e["id"] for e in events if e["outcome"] != "ANSWERED"}
    assert weir.chat("after the crash").status_code == 200


def test_state_survives_a_restart(own_weir):
    weir = own_weir
    team = weir.create_team("kept")
    _, secret = weir.create_key("kept", teamId=team)
    first = weir.quickstart
    assert weir.stop() == 0
    weir.start()
    assert weir.quickstart["api_key"] == first["api_key"]
    assert weir.chat("hi", key=secret).status_code == 200


def test_a_second_process_on_the_same_data_says_so_and_ends(own_weir):
    second = own_weir.second_start()
    assert second.returncode != 0 and "in use" in second.stderr, second.stderr
    assert own_weir.chat("still here").status_code == 200
