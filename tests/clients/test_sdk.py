"""Official client packages, with only base URL and key changed."""

import json

import openai
import pytest
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from stack import eventually

CHAT_MODELS = ["openai/gpt-4.1-mini", "anthropic/claude-haiku-4.5"]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def client(weir):
    return openai.OpenAI(base_url=f"{weir.data_url}/v1", api_key=weir.quickstart["api_key"], max_retries=0)


def ask(text):
    return [{"role": "user", "content": text}]


def bill_of(weir, sandbox, generation):
    """The sandbox's bill for the one call behind a generation id, and Weir's event for it."""
    request = generation.rsplit("-", 1)[1]
    [call] = eventually(
        lambda: [c for c in sandbox.calls() if c["id"] and c["id"].startswith(f"req_{request}.") and c["state"] == "answered"],
        "the sandbox answered the call",
    )
    return call


def pico(usd):
    """A JSON number or decimal string of US dollars as whole pico-USD, exactly."""
    from decimal import Decimal

    value = Decimal(str(usd)) * 10**12
    assert value == int(value), usd
    return int(value)


@pytest.mark.parametrize("model", CHAT_MODELS)
def test_a_chat_is_answered_and_its_cost_is_the_providers_bill(client, weir, sandbox, model):
    answer = client.chat.completions.with_raw_response.create(model=model, messages=ask("hello there"))
    body = answer.parse()
    assert body.choices[0].message.content
    assert body.choices[0].finish_reason == "stop"
    assert body.model == model
    assert body.id.startswith("gen-") and answer.headers["x-generation-id"] == body.id
    call = bill_of(weir, sandbox, body.id)
    usage = call["usage"]
    prompt = usage["input"] + usage["cached_input"] + usage["cache_write_5m"] + usage["cache_write_1h"]
    assert (body.usage.prompt_tokens, body.usage.completion_tokens) == (prompt, usage["output"] + usage["reasoning"])
    assert body.usage.total_tokens == body.usage.prompt_tokens + body.usage.completion_tokens
    raw_cost = json.loads(answer.text, parse_float=str)["usage"]["cost"]
    assert pico(raw_cost) == int(call["cost_pico"])


@pytest.mark.parametrize("model", CHAT_MODELS)
def test_a_stream_carries_the_same_text_and_ends_with_usage_and_cost(client, weir, sandbox, model):
    text, last, ids, finish = "", None, set(), None
    stream = client.chat.completions.create(
        model=model, messages=ask('[[sandbox reply="one two three four" chunks=4]]'), stream=True
    )
    for chunk in stream:
        ids.add(chunk.id)
        assert chunk.model == model and chunk.object == "chat.completion.chunk"
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
        last = chunk
    assert text == "one two three four" and finish == "stop"
    assert len(ids) == 1
    assert last.choices == [] and last.usage is not None
    call = bill_of(weir, sandbox, last.id)
    assert last.usage.completion_tokens == call["usage"]["output"]
    assert pico(last.usage.model_extra["cost"]) == int(call["cost_pico"])


@pytest.mark.parametrize("model", CHAT_MODELS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_call_goes_round(client, model, stream):
    first = client.chat.completions.create(
        model=model, messages=ask("weather in Oslo?"), tools=[WEATHER], tool_choice="required", stream=stream
    )
    if stream:
        name, arguments, call_id, finish = "", "", "", None
        for chunk in first:
            for choice in chunk.choices:
                finish = choice.finish_reason or finish
                for delta in choice.delta.tool_calls or []:
                    call_id = delta.id or call_id
                    name += delta.function.name or ""
                    arguments += delta.function.arguments or ""
    else:
        [choice] = first.choices
        [call] = choice.message.tool_calls
        name, arguments, call_id, finish = call.function.name, call.function.arguments, call.id, choice.finish_reason
    assert name == "get_weather" and "city" in json.loads(arguments) and finish == "tool_calls"
    second = client.chat.completions.create(
        model=model,
        tools=[WEATHER],
        messages=[
            *ask("weather in Oslo?"),
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
                ],
            },
            {"role": "tool", "tool_call_id": call_id, "content": "sunny, 21 degrees"},
        ],
    )
    assert second.choices[0].message.content and second.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("encoding", ["float", None])
def test_embeddings_come_in_the_encoding_asked_for(client, encoding):
    extra = {"encoding_format": encoding} if encoding else {}
    answer = client.embeddings.create(model="openai/text-embedding-3-small", input=["one", "two"], **extra)
    assert len(answer.data) == 2 and all(isinstance(x, float) for x in answer.data[0].embedding)
    assert answer.model == "openai/text-embedding-3-small"
    assert pico(answer.usage.model_extra["cost"]) > 0


def test_models_are_listed(client):
    listed = {model.id for model in client.models.list()}
    assert {"openai/gpt-4.1-mini", "anthropic/claude-sonnet-4.5", "openai/text-embedding-3-small"} <= listed


def test_the_key_describes_itself(weir):
    import httpx

    key = {"Authorization": f"Bearer {weir.quickstart['api_key']}"}
    data = httpx.get(f"{weir.data_url}/api/v1/key", headers=key).json()["data"]
    assert data["label"].startswith("sk-weir-") and data["is_management_key"] is False
    assert data["usage"] >= 0


@pytest.mark.parametrize("model", CHAT_MODELS)
def test_langchain_talks_streams_and_calls_tools(weir, model):
    @tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return f"sunny in {city}"

    chat = ChatOpenAI(base_url=f"{weir.data_url}/v1", api_key=weir.quickstart["api_key"], model=model, max_retries=0)
    answer = chat.invoke("hello")
    assert answer.content and answer.usage_metadata["total_tokens"] > 0
    assert "".join(chunk.content for chunk in chat.stream('[[sandbox reply="a b c" chunks=3]]')) == "a b c"
    called = chat.bind_tools([get_weather], tool_choice="required").invoke("weather in Oslo?")
    assert called.tool_calls[0]["name"] == "get_weather"


def test_errors_raise_the_clients_own_exceptions(client, weir):
    wrong_key = openai.OpenAI(base_url=f"{weir.data_url}/v1", api_key="sk-weir-wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        wrong_key.models.list()
    with pytest.raises(openai.BadRequestError) as unknown:
        client.chat.completions.create(model="nobody/nothing", messages=ask("hi"))
    assert unknown.value.body["metadata"]["error_type"] == "invalid_request"
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(
            model="anthropic/claude-haiku-4.5", messages=ask("[[sandbox status=429 retry_after=1]]")
        )
