"""A budget starts afresh at its own midnight, says so, and counts what was spent before it was made or changed."""

import datetime
import zoneinfo
from decimal import Decimal

from stack import eventually

KOLKATA = zoneinfo.ZoneInfo("Asia/Kolkata")
STATE = "budget { id state { windowId spent resetsAt } }"
ANSWER = '[[sandbox reply="a b c d e f g h" prompt_tokens=10 completion_tokens=400]]'


def today():
    return datetime.datetime.now(KOLKATA).date()


def refusal(response):
    assert response.status_code == 402, response.text
    return response.json()["error"]


def test_a_refusal_says_when_the_budget_resets_in_its_own_zone(own_weir):
    weir = own_weir
    budget = {"name": "a day", "scope": "ORG", "limit": "0.000001", "window": "DAY", "timeZone": "Asia/Kolkata"}
    weir.mutate("createBudget", STATE, **budget)
    _, secret = weir.create_key("k")
    days = [today()]
    error = refusal(weir.chat("hello", key=secret))
    days.append(today())
    budget = error["metadata"]["budget"]
    [day] = {day for day in days if str(day) == budget["window"]}
    assert budget["resets_at"] == f"{day + datetime.timedelta(days=1)}T00:00:00+05:30"
    assert budget["time_zone"] == "Asia/Kolkata"
    assert f"it resets at {budget['resets_at']} (Asia/Kolkata)" in error["message"]


def test_a_budget_made_or_changed_later_counts_what_was_spent_before(own_weir):
    weir = own_weir
    _, secret = weir.create_key("k")
    for _ in range(3):
        assert weir.chat(ANSWER, key=secret, max_tokens=400).status_code == 200
    weir.settled_events(3)
    spent = sum(Decimal(event["cost"]) for event in weir.events())
    year = {"window": "YEAR", "timeZone": "America/Havana", "fiscalStartMonth": 4}
    made = weir.mutate("createBudget", STATE, name="b", scope="ORG", limit=str(spent), **year)["budget"]
    assert made["state"]["windowId"].startswith("FY")
    assert Decimal(made["state"]["spent"]) == spent
    refusal(weir.chat(ANSWER, key=secret, max_tokens=400))
    changed = weir.mutate("updateBudget", STATE, id=made["id"], window="LIFETIME")["budget"]
    assert (changed["state"]["windowId"], changed["state"]["resetsAt"]) == ("lifetime", None)
    assert Decimal(changed["state"]["spent"]) == spent
    error = refusal(weir.chat(ANSWER, key=secret, max_tokens=400))
    assert "it never resets" in error["message"]
    assert error["metadata"]["budget"]["window"] == "lifetime"
    assert error["metadata"]["budget"]["resets_at"] is None


def test_usage_of_any_window_is_settled_in_it(own_weir):
    weir = own_weir
    _, secret = weir.create_key("k")
    for window in ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "LIFETIME"):
        zone = {"window": window, "timeZone": "Australia/Lord_Howe", "fiscalStartMonth": 7}
        weir.mutate("createBudget", STATE, name=window, scope="ORG", limit="5", **zone)
    assert weir.chat(ANSWER, key=secret, max_tokens=400).status_code == 200
    [event] = weir.settled_events(1)
    query = "query($org: ID!) { organization(id: $org) { budgets { nodes { state { spent } } } } }"

    def spent():
        nodes = weir.graphql(query, org=weir.org())["organization"]["budgets"]["nodes"]
        return [Decimal(node["state"]["spent"]) for node in nodes]

    eventually(lambda: spent() == [Decimal(event["cost"])] * 6, "every window has it")
