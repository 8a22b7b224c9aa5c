"""One hard budget over several nodes: it holds at any concurrency, and what one node does not use another can."""

import asyncio
import collections
import json

import httpx
import pytest

from cluster import ClusterWeir
from stack import HANG_S, NO_TLS
from test_money import MINI, make_budget, pico, true_cost_by_event

STREAMS = 300
# 10 input and 300 output tokens at the sandbox's prices of MINI, in pico-USD.
COST = 10 * 400_000 + 300 * 1_600_000
SCRIPT = '[[sandbox reply="a b c d e f g h" prompt_tokens=10 completion_tokens=300 chunk_ms=100]]'


@pytest.fixture
def nodes(tmp_path, sandbox, servers, started):
    """How many the test wants."""

    def start(count):
        started.append(ClusterWeir(tmp_path, sandbox, servers, nodes=count))
        return started[-1]

    return start


def usd(amount_pico):
    return f"{amount_pico // 10**12}.{amount_pico % 10**12:012}"


def body(stream):
    message = {"role": "user", "content": SCRIPT}
    return {"model": MINI, "messages": [message], "max_tokens": 300, "stream": stream}


async def stream_at_once(urls, key, count):
    """The statuses of `count` streams that are all open at the same time, over all nodes."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=HANG_S, verify=NO_TLS, limits=limits, headers={"Authorization": f"Bearer {key}"}) as client:

        async def one(n):
            answer = await client.post(f"{urls[n % len(urls)]}/v1/chat/completions", json=body(stream=True))
            if answer.status_code == 200 and '"error"' in answer.text:
                # Where money was waited for, a keep-alive has fixed the status, and the refusal comes in the stream.
                assert '"code":402' in answer.text, answer.text
                return 402
            assert answer.status_code != 200 or answer.text.rstrip().endswith("[DONE]"), answer.text
            return answer.status_code

        return collections.Counter(await asyncio.gather(*(one(n) for n in range(count))))


def spent(weir, sandbox, answered):
    """By the sandbox's meter, in pico-USD, once so many answers are in the ledger."""
    calls = true_cost_by_event(sandbox)
    return sum(int(calls[event["id"]]["cost_pico"]) for event in weir.settled_events(answered))


def report(figure, spent_pico, limit, n):
    print(json.dumps({"figure": figure, "value": round(100 * spent_pico / limit, 1), "unit": "%", "n": n}))


def test_300_streams_over_four_nodes_never_spend_more_than_the_budget_for_a_third_of_them(nodes, sandbox):
    weir = nodes(4)
    _, key = weir.create_key("crowd")
    limit = STREAMS // 3 * COST
    make_budget(weir, "ORG", None, usd(limit), "crowd money")
    statuses = asyncio.run(stream_at_once(weir.data_urls, key, STREAMS))
    assert set(statuses) == {200, 402}, statuses
    true_spend = spent(weir, sandbox, statuses[200])
    report("live_spent_percent_of_limit", true_spend, limit, STREAMS)
    assert 0 < true_spend <= limit


def test_what_one_node_was_granted_and_does_not_use_is_used_by_another(nodes, sandbox):
    weir = nodes(2)
    _, key = weir.create_key("wanderer")
    # At least a hundred of the largest reservations: then nothing of more than one percent may stay unused.
    limit = 200 * COST
    make_budget(weir, "ORG", None, usd(limit), "shared money")
    first, second = (f"{url}/v1/chat/completions" for url in weir.data_urls)
    with httpx.Client(timeout=HANG_S, verify=NO_TLS, headers={"Authorization": f"Bearer {key}"}) as client:

        def asked(url):
            return client.post(url, json=body(stream=False))

        assert asked(first).status_code == 200
        answered = 1
        while (answer := asked(second)).status_code == 200:
            answered += 1
            # It is drawn on at the first node, too, so that nobody takes what that holds for idle.
            answered += answered % 20 == 0 and asked(first).status_code == 200
    assert answer.status_code == 402 and answer.json()["error"]["metadata"]["budget"]["name"] == "shared money"
    true_spend = spent(weir, sandbox, answered)
    report("live_used_percent_of_limit", true_spend, limit, answered)
    assert limit * 99 // 100 <= true_spend <= limit
