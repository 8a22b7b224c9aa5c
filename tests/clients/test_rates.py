"""What everybody under a policy may do together, in a minute and at once, over all nodes."""

import time

import httpx
import pytest

from stack import HANG_S, GraphQLError, trust

MINI, CLAUDE = "openai/gpt-4.1-mini", "anthropic/claude-haiku-4.5"


def begin_of_a_minute():
    """Minutes are whole ones: what a test counts must not be spread over two."""
    while time.time() % 60 > 40:
        time.sleep(0.2)


def hold(weir, layer, id, *rates):
    rates = [dict(zip(("unit", "limit", "models"), rate)) for rate in rates]
    weir.mutate("createPolicy", "policy { id }", name="together", layer=layer, layerId=id, rules={"rates": rates})


def test_keys_of_one_team_share_its_requests_per_minute_over_all_nodes(weir):
    team = weir.create_team("hurried")
    keys = [weir.create_key(name, teamId=team)[1] for name in ("one", "two")]
    _, outside = weir.create_key("of no team")
    hold(weir, "TEAM", team, ("REQUESTS_PER_MINUTE", 7))
    begin_of_a_minute()
    answers = [weir.chat("hi", key=keys[n // 2 % 2]) for n in range(16)]
    assert [a.status_code for a in answers].count(200) == 7
    refused = next(a for a in answers if a.status_code != 200)
    error = refused.json()["error"]
    assert refused.status_code == 429 and 1 <= int(refused.headers["retry-after"]) <= 60
    assert 'the policy "together" (team) allows 7 requests a minute' in error["message"]
    limit = error["metadata"]["limit"]
    assert (limit["scope"], limit["unit"], limit["limit"]) == ("team", "requests_per_minute", 7)
    assert weir.chat("hi", key=outside).status_code == 200


def test_tokens_count_when_they_are_known_and_then_refuse(weir):
    key, secret = weir.create_key("wordy")
    hold(weir, "KEY", key, ("TOKENS_PER_MINUTE", 1))
    begin_of_a_minute()
    assert weir.chat("hi", key=secret).status_code == 200, "one token was left"
    for _ in weir.data_urls:
        refused = weir.chat("hi", key=secret)
        assert refused.status_code == 429 and "allows 1 tokens a minute" in refused.json()["error"]["message"]


def test_no_more_requests_are_under_way_than_a_policy_allows(weir):
    key, secret = weir.create_key("one at a time")
    hold(weir, "KEY", key, ("CONCURRENT", len(weir.data_urls)))
    url = weir.data_urls[0]
    body = {"model": MINI, "messages": [{"role": "user", "content": '[[sandbox reply="a b c d" chunks=4 chunk_ms=400]]'}]}
    headers = {"Authorization": f"Bearer {secret}"}

    def ask(**fields):
        return httpx.post(f"{url}/v1/chat/completions", json={**body, **fields}, headers=headers, timeout=HANG_S, verify=trust(url))

    with httpx.stream("POST", f"{url}/v1/chat/completions", json={**body, "stream": True}, headers=headers,
                      timeout=HANG_S, verify=trust(url)) as stream:
        lines = stream.iter_lines()
        assert any('"content":"' in line for line in lines)
        refused = ask()
        assert refused.status_code == 429 and refused.headers["retry-after"] == "1"
        assert "at once, and as many are under way" in refused.json()["error"]["message"]
        assert list(lines)[-2:] == ["data: [DONE]", ""]
    answered = ask()
    deadline = time.monotonic() + HANG_S
    while answered.status_code == 429 and time.monotonic() < deadline:
        answered = ask()
    assert answered.status_code == 200, answered.text


def test_a_rate_of_some_models_leaves_the_others(weir):
    key, secret = weir.create_key("choosy")
    hold(weir, "KEY", key, ("REQUESTS_PER_MINUTE", 1, "openai/*"))
    begin_of_a_minute()
    assert weir.chat("hi", key=secret).status_code == 200
    assert weir.chat("hi", key=secret).status_code == 429
    assert weir.chat("hi", key=secret, model=CLAUDE).status_code == 200
    other = weir.chat("hi", key=secret, models=[MINI, CLAUDE])
    assert other.status_code == 200 and other.json()["model"] == CLAUDE, "a fallback answers"


@pytest.mark.parametrize("rates, why", [
    ([{"unit": "CONCURRENT", "limit": 0}], "a rate of 0 concurrent"),
    ([{"unit": "CONCURRENT", "limit": 5, "models": "gpt"}], "neither `author/slug` nor `author/*`"),
    ([{"unit": "CONCURRENT", "limit": 5}] * 17, "at most 16 are read"),
])
def test_rates_that_cannot_be_meant_are_refused(weir, rates, why):
    with pytest.raises(GraphQLError) as refused:
        weir.mutate("createPolicy", "policy { id }", name="no", layer="ORG", rules={"rates": rates})
    assert refused.value.field == "rules.rates" and why in str(refused.value)
