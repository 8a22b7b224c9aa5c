"""Where a charge comes from when the provider does not say, and what a stream may cost that goes on beyond what was asked."""

import json
import time

import httpx
import pytest

from stack import HANG_S, eventually
from test_money import make_budget, pico

# Served by one provider alone, so that it is known who is asked.
FOUR = "openai/gpt-4.1"
HAIKU = "anthropic/claude-haiku-4.5"
# gpt-4.1, in pico-dollars a token.
IN, OUT = 2_000_000, 8_000_000
# Six tokens of o200k: <https://developers.openai.com/cookbook/examples/how_to_count_tokens_with_tiktoken>, by which a
# prompt has one more for the role, three around each message and three before the answer.
GREAT, GREAT_TOKENS = "tiktoken is great!", 6
PROMPT_TOKENS = GREAT_TOKENS + 1 + 3 + 3


def body(model=FOUR, **fields):
    return {"model": model, "messages": [{"role": "user", "content": GREAT}], "max_tokens": 50, **fields}


def event_of(weir, generation):
    """The first attempt of an answer, once it is in the ledger."""
    wanted = f"req_{generation.rsplit('-', 1)[1]}.1"
    return eventually(lambda: next((e for e in weir.events() if e["id"] == wanted), None), f"event {wanted}")


def stream(weir, key, leave_after=None, **fields):
    """Generation id and payloads of a stream; hangs up after so many pieces of content."""
    payloads, seen = [], 0
    headers = {"Authorization": f"Bearer {key}"}
    asked = body(stream=True, **fields)
    with httpx.stream("POST", f"{weir.data_url}/v1/chat/completions", json=asked, headers=headers, timeout=HANG_S) as answer:
        assert answer.status_code == 200, answer.read()
        for line in answer.iter_lines():
            if not line.startswith("data: "):
                continue
            payloads.append(line.removeprefix("data: "))
            seen += '"content":"' in line and '"content":""' not in line
            if leave_after and seen >= leave_after:
                break
        return answer.headers["x-generation-id"], payloads


def is_within_bounds(event, call):
    """What is charged, and what the provider's meter says, lies between what was seen and what was reserved."""
    streamed, cost, reserved = (pico(event[name]) for name in ("streamed", "cost", "reserved"))
    assert streamed <= cost <= reserved, event
    assert streamed <= int(call["cost_pico"]) <= reserved, (event, call)
    assert cost + pico(event["suspense"]) == reserved, event


@pytest.mark.parametrize("streamed", [False, True])
def test_usage_that_is_missing_is_counted_to_the_token(weir, sandbox, streamed):
    _, key = weir.create_key("counted")
    sandbox.knobs({"openai": {"reply": GREAT, "usage": "none"}})
    answer = weir.post("/v1/chat/completions", body(stream=streamed), key=key)
    assert answer.status_code == 200, answer.text
    event = event_of(weir, answer.headers["x-generation-id"])
    assert (event["outcome"], event["usageSource"]) == ("ANSWERED", "COUNTED")
    assert event["flags"] == ["usage_missing"]
    assert pico(event["cost"]) == PROMPT_TOKENS * IN + GREAT_TOKENS * OUT
    is_within_bounds(event, sandbox.call(event["id"]))
    told = json.loads(answer.text.split("data: ")[-2]) if streamed else answer.json()
    assert (told["usage"]["prompt_tokens"], told["usage"]["completion_tokens"]) == (PROMPT_TOKENS, GREAT_TOKENS)


@pytest.mark.parametrize("usage", ["negative", "huge", "words"])
@pytest.mark.parametrize("model", [FOUR, HAIKU])
def test_usage_that_cannot_be_is_flagged_and_all_that_was_reserved_is_kept(weir, sandbox, usage, model):
    _, key = weir.create_key("absurd")
    sandbox.knobs({"*": {"reply": GREAT, "usage": usage}})
    for streamed in (False, True):
        answer = weir.post("/v1/chat/completions", body(model, stream=streamed), key=key)
        assert answer.status_code == 200, answer.text
        event = event_of(weir, answer.headers["x-generation-id"])
        assert event["usageSource"] == ("COUNTED" if model == FOUR else "ESTIMATED")
        assert event["flags"] == ["usage_absurd"]
        is_within_bounds(event, sandbox.call(event["id"]))


@pytest.mark.parametrize("model", [HAIKU, "openai/o4-mini"])
def test_without_the_models_own_vocabulary_or_all_that_it_thinks_it_is_an_estimate(weir, sandbox, model):
    _, key = weir.create_key("estimated")
    sandbox.knobs({"*": {"reply": GREAT, "usage": "none"}})
    asked = body(model)
    asked["max_completion_tokens"] = asked.pop("max_tokens")
    answer = weir.post("/v1/chat/completions", asked, key=key)
    event = event_of(weir, answer.headers["x-generation-id"])
    assert (event["outcome"], event["usageSource"]) == ("ANSWERED", "ESTIMATED")
    is_within_bounds(event, sandbox.call(event["id"]))


def test_embeddings_without_usage_are_counted(weir, sandbox):
    _, key = weir.create_key("embedder")
    sandbox.knobs({"openai": {"usage": "none"}})
    answer = weir.post("/v1/embeddings", {"model": "openai/text-embedding-3-small", "input": [GREAT, GREAT]}, key=key)
    assert answer.status_code == 200, answer.text
    event = event_of(weir, answer.headers["x-generation-id"])
    assert (event["usageSource"], pico(event["cost"])) == ("COUNTED", 2 * GREAT_TOKENS * 20_000)


@pytest.mark.parametrize("fault", ["reset_after", "error_in_stream", "stall_after"])
def test_what_came_of_a_stream_that_broke_is_counted(start_weir, sandbox, fault):
    weir = start_weir(WEIR__UPSTREAM__IDLE_TIMEOUT_MS="500")
    sandbox.knobs({"*": {"reply": GREAT, fault: 2}})
    for model, source in [(FOUR, "COUNTED"), (HAIKU, "ESTIMATED")]:
        generation, payloads = stream(weir, weir.quickstart["api_key"], model=model)
        assert '"error"' in payloads[-2] and payloads[-1] == "[DONE]"
        event = event_of(weir, generation)
        assert (event["outcome"], event["usageSource"]) == ("BROKEN", source)
        is_within_bounds(event, sandbox.call(event["id"]))
        if model == FOUR:
            # "tiktoken is" are four of the six.
            assert pico(event["cost"]) == PROMPT_TOKENS * IN + 4 * OUT


def test_what_came_before_a_hang_up_is_counted(weir, sandbox):
    _, key = weir.create_key("leaver")
    sandbox.knobs({"openai": {"reply": "a b c d e f g h i j", "chunks": 10, "chunk_ms": 200}})
    generation, _ = stream(weir, key, leave_after=3)
    event = event_of(weir, generation)
    assert (event["outcome"], event["usageSource"]) == ("CUT", "COUNTED")
    eventually(lambda: sandbox.call(event["id"])["state"] == "cut", "the provider noticed")
    assert 3 * OUT <= pico(event["streamed"]) and PROMPT_TOKENS * IN + 3 * OUT <= pico(event["cost"])
    is_within_bounds(event, sandbox.call(event["id"]))


def test_a_prompt_is_counted_where_no_answer_began(start_weir, sandbox):
    weir = start_weir(WEIR__UPSTREAM__FIRST_BYTE_TIMEOUT_MS="500")
    sandbox.knobs({"openai": {"reply": GREAT, "latency_ms": 60_000}})
    answer = weir.post("/v1/chat/completions", body(stream=True))
    assert answer.status_code != 200 or '"error"' in answer.text
    event = event_of(weir, answer.headers["x-generation-id"])
    assert (event["outcome"], event["usageSource"]) == ("BROKEN", "COUNTED")
    assert (pico(event["streamed"]), pico(event["cost"])) == (0, PROMPT_TOKENS * IN)


def test_a_provider_that_bills_on_is_read_to_its_usage_after_a_hang_up(start_weir, sandbox):
    weir = start_weir(WEIR__UPSTREAM__DRAIN_ALSO="acme, openai")
    sandbox.knobs({"*": {"reply": "a b c d e f g h", "chunks": 8, "chunk_ms": 100, "completion_tokens": 40, "bills_on": True}})
    generation, _ = stream(weir, weir.quickstart["api_key"], leave_after=2)
    event = event_of(weir, generation)
    call = sandbox.call(event["id"])
    assert (call["state"], call["usage"]["output"]) == ("answered", 40)
    assert (event["outcome"], event["usageSource"]) == ("CUT", "PROVIDER")
    assert pico(event["cost"]) == int(call["cost_pico"]) and pico(event["suspense"]) == 0
    # Who is not known to bill on is cut.
    generation, _ = stream(weir, weir.quickstart["api_key"], leave_after=2, model=HAIKU)
    event = event_of(weir, generation)
    assert (event["outcome"], event["usageSource"]) == ("CUT", "ESTIMATED")
    eventually(lambda: sandbox.call(event["id"])["state"] == "cut", "the provider noticed")
    is_within_bounds(event, sandbox.call(event["id"]))


def test_a_provider_that_bills_on_is_read_also_where_the_app_left_before_the_answer_began(start_weir, sandbox):
    weir = start_weir(WEIR__UPSTREAM__DRAIN_ALSO="openai")
    sandbox.knobs({"openai": {"reply": GREAT, "latency_ms": 1500}})
    headers = {"Authorization": f"Bearer {weir.quickstart['api_key']}"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{weir.data_url}/v1/chat/completions", json=body(stream=True), headers=headers, timeout=0.5)
    [event] = weir.settled_events(1)
    call = sandbox.call(event["id"])
    assert (event["outcome"], event["usageSource"], call["state"]) == ("CUT", "PROVIDER", "answered")
    assert pico(event["cost"]) == int(call["cost_pico"])


@pytest.mark.parametrize("bound", [{"WEIR__UPSTREAM__DRAIN_TIMEOUT_MS": "300"}, {"WEIR__UPSTREAM__DRAIN_MOST": "0"}])
def test_what_is_read_on_is_bounded_and_beyond_that_cut_and_counted(start_weir, sandbox, bound):
    weir = start_weir(WEIR__UPSTREAM__DRAIN_ALSO="openai", **bound)
    sandbox.knobs({"openai": {"reply": "a b c d e f g h", "chunks": 8, "chunk_ms": 500, "completion_tokens": 40, "bills_on": True}})
    generation, _ = stream(weir, weir.quickstart["api_key"], leave_after=2)
    event = event_of(weir, generation)
    assert (event["outcome"], event["usageSource"]) == ("CUT", "COUNTED")
    call = eventually(lambda: (c := sandbox.call(event["id"])) and c["state"] == "cut" and c, "the stream was cut")
    assert call["usage"]["output"] == 40, "billed to its end"
    is_within_bounds(event, call)


def test_a_process_that_is_asked_to_end_reads_nothing_on(start_weir, sandbox):
    weir = start_weir(WEIR__UPSTREAM__DRAIN_ALSO="openai", WEIR__UPSTREAM__DRAIN_TIMEOUT_MS="600000")
    sandbox.knobs({"openai": {"reply": "a b c d e f g h", "chunks": 8, "chunk_ms": 600_000}})
    stream(weir, weir.quickstart["api_key"], leave_after=1)
    assert sandbox.stats()["open_streams"] == 1
    began = time.monotonic()
    assert weir.stop() == 0
    assert time.monotonic() - began < HANG_S / 2
    eventually(lambda: sandbox.stats()["open_streams"] == 0, "the stream was cut")
    weir.start()
    [event] = weir.settled_events(1)
    assert (event["outcome"], event["usageSource"]) == ("CUT", "COUNTED")


@pytest.mark.parametrize("model", [FOUR, HAIKU])
def test_a_stream_that_goes_on_beyond_what_was_asked_ends_where_its_budget_does(own_weir, sandbox, model):
    weir = own_weir
    key_id, key = weir.create_key("guarded")
    limit = {FOUR: "0.0025", HAIKU: "0.002"}[model]
    make_budget(weir, "KEY", key_id, limit, "pocket money")
    sandbox.knobs({"*": {"reply": "a " * 5000, "uncapped": True, "chunk_ms": 1}})
    generation, payloads = stream(weir, key, model=model, max_tokens=8)
    last, usage, done = payloads[-3:]
    assert done == "[DONE]"
    assert json.loads(last)["choices"][0]["finish_reason"] == "length"
    assert json.loads(last)["metadata"] == {"weir": "budget"}
    completion = json.loads(usage)["usage"]["completion_tokens"]
    assert 8 < completion < 2500 and json.loads(usage)["choices"] == []
    event = event_of(weir, generation)
    assert event["outcome"] == "CUT"
    assert pico(event["streamed"]) <= pico(event["cost"]) <= pico(event["reserved"]) <= pico(limit)
    eventually(lambda: sandbox.call(event["id"])["state"] == "cut", "the provider is told")
    eventually(lambda: sandbox.stats()["open_streams"] == 0, "no stream is left open at the provider")


def test_a_stream_that_goes_on_beyond_what_was_asked_goes_on_while_its_budget_does(own_weir, sandbox):
    weir = own_weir
    key_id, key = weir.create_key("guarded")
    make_budget(weir, "KEY", key_id, "1", "much money")
    sandbox.knobs({"openai": {"reply": "a " * 500, "uncapped": True}})
    generation, payloads = stream(weir, key, max_tokens=8)
    assert json.loads(payloads[-3])["choices"][0]["finish_reason"] == "stop"
    event = event_of(weir, generation)
    assert (event["outcome"], event["usageSource"]) == ("ANSWERED", "PROVIDER")
    assert pico(event["cost"]) == int(sandbox.call(event["id"])["cost_pico"])
    # The cap of eight, and then by draws for more than five hundred.
    assert pico(event["reserved"]) > 500 * OUT
