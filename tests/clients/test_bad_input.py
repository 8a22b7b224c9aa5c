"""Bad input: a 4xx that names the field; never a 500, a hang, or a stream without its end."""

import json

import httpx
import pytest

from stack import HANG_S

GOOD = {"model": "openai/gpt-4.1-mini", "messages": [{"role": "user", "content": "hi"}]}


def error(response):
    body = response.json()
    assert set(body) >= {"error"} and body["error"]["code"] == response.status_code
    assert body["error"]["metadata"]["error_type"]
    return body["error"]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[]", "object"),
        (b'"hi"', "object"),
        (b"{}", "messages"),
        (b'{"model":"openai/gpt-4.1-mini","messages":[]}', "messages"),
        (b'{"model":"openai/gpt-4.1-mini","messages":"hi"}', "messages"),
        (b'{"model":"openai/gpt-4.1-mini","model":"x","messages":[{"role":"user","content":"hi"}]}', "model"),
        (b'{"model":"openai/gpt-4.1-mini","messages":[{"role":"user","role":"user","content":"hi"}]}', "role"),
        (b'{"model":7,"messages":[{"role":"user","content":"hi"}]}', "model"),
        (b'{"model":"no/such","messages":[{"role":"user","content":"hi"}]}', "no/such"),
        (b'{"model":"openai/text-embedding-3-small","messages":[{"role":"user","content":"hi"}]}', "/v1/embeddings"),
        (b'{"model":"openai/gpt-4.1-mini","messages":[{"role":"wizard","content":"hi"}]}', "role"),
        (b'{"model":"openai/gpt-4.1-mini","max_tokens":-1,"messages":[{"role":"user","content":"hi"}]}', "max_tokens"),
        (b'{"model":"openai/gpt-4.1-mini","stream":"yes","messages":[{"role":"user","content":"hi"}]}', "stream"),
        (b'{"model":"openai/gpt-4.1-mini","provider":{"max_price":{"prompt":1}},"messages":[{"role":"user","content":"hi"}]}', "max_price"),
        (b"\xff\xfe", "JSON"),
        (b"[" * 100_000, "JSON"),
    ],
)
def test_a_body_that_cannot_be_served_is_refused_by_name(weir, body, names):
    response = weir.post("/v1/chat/completions", None, content=body)
    assert 400 <= response.status_code < 500, response.text
    assert names in error(response)["message"]


def test_a_body_over_the_limit_is_refused(weir):
    huge = json.dumps({**GOOD, "messages": [{"role": "user", "content": "x" * (33 * 1024 * 1024)}]}).encode()
    assert weir.post("/v1/chat/completions", None, content=huge).status_code == 413

    def pieces():
        for _ in range(34):
            yield b"x" * 1024 * 1024

    chunked = weir.post("/v1/chat/completions", None, content=pieces())
    assert chunked.status_code == 413


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/v1/embeddings"])
def test_a_wrong_method_content_type_or_path_is_refused(weir, path):
    key = {"Authorization": f"Bearer {weir.quickstart['api_key']}"}
    assert error(httpx.get(f"{weir.data_url}{path}", headers=key))["code"] == 405
    form = weir.post(path, None, content=b"a=b", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert error(form)["code"] == 415
    assert error(httpx.get(f"{weir.data_url}/v2/nothing", headers=key))["code"] == 404


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic abc"}, {"x-api-key": "sk-weir-short"}, {"Authorization": "Bearer nothing"}])
def test_no_key_or_a_wrong_one_is_refused(weir, header):
    response = httpx.post(f"{weir.data_url}/v1/chat/completions", json=GOOD, headers=header)
    assert error(response)["code"] == 401


def test_x_api_key_is_accepted(weir):
    response = httpx.post(
        f"{weir.data_url}/v1/chat/completions", json=GOOD, headers={"x-api-key": weir.quickstart["api_key"]}
    )
    assert response.status_code == 200


def test_a_management_key_cannot_infer(weir):
    response = weir.chat("hi", key=weir.quickstart["management_key"])
    assert error(response)["code"] == 403


@pytest.mark.parametrize("fault", ["malformed=json", "malformed=html", "malformed=truncated", "status=500", "status=401"])
def test_a_provider_that_talks_nonsense_is_a_502_and_never_a_500(weir, fault):
    response = weir.chat(f"[[sandbox {fault}]]", model="anthropic/claude-haiku-4.5")
    assert error(response)["code"] in (502, 503), response.text


@pytest.mark.parametrize("model", ["openai/gpt-4.1", "anthropic/claude-haiku-4.5"])
@pytest.mark.parametrize("fault", ["reset_after=2", "malformed=sse", "error_in_stream=true"])
def test_a_stream_that_breaks_still_ends_in_order(weir, model, fault):
    body = {"model": model, "messages": [{"role": "user", "content": f'[[sandbox reply="a b c d e f" chunks=6 {fault}]]'}]}
    response = weir.post("/v1/chat/completions", {**body, "stream": True})
    if response.status_code != 200:
        assert error(response)["code"] in (502, 503)
        return
    events = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    failed = [json.loads(event) for event in events[:-1] if "error" in json.loads(event)]
    assert len(failed) == 1
    assert isinstance(failed[0]["error"]["code"], int)
    assert failed[0]["choices"][0]["finish_reason"] == "error"
    assert failed[0]["error"]["metadata"]["error_type"]


def test_a_stalled_provider_does_not_hold_up_other_apps(weir):
    with httpx.stream(
        "POST",
        f"{weir.data_url}/v1/chat/completions",
        json={**GOOD, "stream": True, "messages": [{"role": "user", "content": "[[sandbox stall_after=1 chunks=5]]"}]},
        headers={"Authorization": f"Bearer {weir.quickstart['api_key']}"},
        timeout=HANG_S,
    ) as stalled:
        assert stalled.status_code == 200
        assert weir.chat("hello").status_code == 200
