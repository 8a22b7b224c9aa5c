"""Nobody is refused for money that is there: nothing stays reserved, nothing is counted twice, a window that is over is over."""

import concurrent.futures
import json
import pathlib
from decimal import Decimal

import httpx
import pytest

from stack import HANG_S, eventually, trust
from test_money import MINI, make_budget, pico, spend_until_refused

FAILS = "[[sandbox status=500 site=openai]] [[sandbox status=500 site=zdr]]"


def test_requests_that_fail_leave_nothing_reserved(weir, meter):
    """Their reservations together are many times the budget."""
    key, secret = weir.create_key("unlucky")
    make_budget(weir, "KEY", key, "0.01", "to be used in full")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        failed = list(pool.map(lambda n: weir.chat(FAILS, key=secret, max_tokens=400, stream=n % 2 == 0).status_code, range(80)))
    assert set(failed) <= {200, 402, 502} and meter.bill() == 0
    refused, answered = spend_until_refused(weir, secret)
    assert refused.status_code == 402 and answered > 0
    assert pico("0.01") * 90 // 100 <= meter.bill() <= pico("0.01")


def test_budget_key_report_and_events_say_what_the_meter_says(weir, meter):
    key, secret = weir.create_key("looked at from everywhere")
    make_budget(weir, "KEY", key, "1", "looked at")
    models = [MINI, "anthropic/claude-haiku-4.5", "openai/gpt-4.1"]
    for n in range(18):
        script = f'[[sandbox reply="a b" prompt_tokens={10 + n} completion_tokens={5 + n} cached_tokens={n % 4}]]'
        assert weir.chat(script, key=secret, model=models[n % 3], stream=n % 2 == 0, max_tokens=100).status_code == 200
    bill = meter.bill()
    query = "query($org: ID!) { organization(id: $org) { budgets(first: 100) { nodes { scopeId state { spent suspense overrun } } } } }"

    def budget():
        nodes = weir.graphql(query, org=weir.org())["organization"]["budgets"]["nodes"]
        [state] = [node["state"] for node in nodes if node["scopeId"] == key]
        assert (state["suspense"], state["overrun"]) == ("0", "0")
        return pico(state["spent"])

    def usage(url):
        answer = httpx.get(f"{url}/v1/key", headers={"Authorization": f"Bearer {secret}"}, timeout=HANG_S, verify=trust(url))
        return json.loads(answer.text, parse_float=Decimal)["data"]

    eventually(lambda: budget() == bill, "the budget has all of it")
    for url in weir.data_urls:
        told = usage(url)
        assert [pico(told[name]) for name in ("usage", "usage_daily", "usage_weekly", "usage_monthly")] == [bill] * 4
        assert pico(told["budgets"][0]["spend_usd"]) == bill
    assert sum(pico(line["cost"]) for line in weir.chargeback()["lines"] if line["keyId"] == key) == bill
    assert sum(pico(event["cost"]) for event in weir.events() if event["keyId"] == key) == bill


def test_a_day_that_was_used_up_is_over_at_midnight(start_weir, tmp_path):
    library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if not library:
        pytest.skip("libfaketime is not installed (Debian package)")
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    faked = {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"}
    weir = start_weir(**faked)
    key, secret = weir.create_key("of a day")
    weir.mutate("createBudget", "budget { id }", name="a day", scope="KEY", scopeId=key, limit="0.002", window="DAY")
    refused, answered = spend_until_refused(weir, secret)
    assert refused.status_code == 402 and answered > 0
    clock.write_text("+24h\n")
    for _ in weir.data_urls:
        eventually(lambda: weir.chat("hi", key=secret, max_tokens=10).status_code == 200, "it is another day", within_s=10)
