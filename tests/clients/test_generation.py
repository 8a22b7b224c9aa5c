"""`GET /v1/generation?id=` says what a request came to: the provider's own bill to the pico, every attempt, to its organization alone."""

import decimal
import json
import sqlite3

import httpx
import pytest

from stack import HANG_S, eventually, trust
from test_money import pico

MODELS = ["openai/gpt-4.1-mini", "anthropic/claude-haiku-4.5"]
NOBODY = "gen-1790000000-019a1e0f1a0070008000000000000000"


def ask(weir, generation, key=None, prefix="/v1", url=None):
    url = url or weir.data_url
    headers = {"Authorization": f"Bearer {key or weir.quickstart['api_key']}"}
    params = {} if generation is None else {"id": generation}
    return httpx.get(f"{url}{prefix}/generation", params=params, headers=headers, timeout=HANG_S, verify=trust(url))


def there(weir, generation, **how):
    """Its figures once they are there, as clients wait for them; money as it was written."""

    def found():
        answer = ask(weir, generation, **how)
        if answer.status_code == 404:
            return None
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text, parse_float=decimal.Decimal)["data"]

    return eventually(found, "the generation is in the ledger")


def event_id(generation, attempt=1):
    return f"req_{generation.rsplit('-', 1)[1]}.{attempt}"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True])
def test_it_is_the_providers_bill_and_what_the_answer_said(weir, sandbox, model, stream):
    script = '[[sandbox reply="a b c" prompt_tokens=123 completion_tokens=77 cached_tokens=9]]'
    answer = weir.chat(script, model=model, stream=stream, max_tokens=200, user="u-7", session_id="s-7")
    assert answer.status_code == 200, answer.text
    generation = answer.headers["x-generation-id"]
    if stream:
        chunks = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: {")]
        [body] = [c for c in (json.loads(c, parse_float=decimal.Decimal) for c in chunks) if c.get("usage")]
    else:
        body = json.loads(answer.text, parse_float=decimal.Decimal)
    assert body["id"] == generation
    data = there(weir, generation)
    call = sandbox.call(event_id(generation))
    assert pico(data["total_cost"]) == pico(data["usage"]) == pico(body["usage"]["cost"]) == int(call["cost_pico"]) > 0
    assert data["tokens_prompt"] == data["native_tokens_prompt"] == body["usage"]["prompt_tokens"]
    assert data["tokens_completion"] == data["native_tokens_completion"] == body["usage"]["completion_tokens"]
    assert data["native_tokens_cached"] == body["usage"]["prompt_tokens_details"]["cached_tokens"]
    assert data["id"] == generation and data["model"] == model and data["provider_name"] == body["provider"]
    assert data["streamed"] is stream and data["cancelled"] is False and data["is_byok"] is False
    assert data["finish_reason"] == "stop" and data["api_type"] == "completions"
    assert data["external_user"] == "u-7" and data["session_id"] == "s-7"
    assert data["latency"] >= 0 and (data["generation_time"] is not None) is stream
    [response] = data["provider_responses"]
    assert response["status"] == 200 and response["id"] == event_id(generation)
    for url in weir.data_urls:
        assert there(weir, generation, url=url, prefix="/api/v1") == data, "any node answers, under both prefixes"


def test_embeddings_are_there_too(weir, sandbox):
    answer = weir.post("/v1/embeddings", {"model": "openai/text-embedding-3-small", "input": "some words"})
    generation = answer.headers["x-generation-id"]
    data = there(weir, generation)
    assert data["api_type"] == "embeddings" and data["tokens_completion"] == 0
    assert pico(data["total_cost"]) == int(sandbox.call(event_id(generation))["cost_pico"])


def test_a_failover_shows_both_attempts_and_never_the_first_alone(weir, sandbox):
    """While the second provider still answers, the failed first attempt is in the ledger already: that is not the generation."""
    script = '[[sandbox status=500 site=openai]] [[sandbox reply="a b c d e f" chunks=6 chunk_ms=250]]'
    body = {"model": MODELS[0], "messages": [{"role": "user", "content": script}], "stream": True, "provider": {"order": ["openai"]}}
    url = weir.data_url
    headers = {"Authorization": f"Bearer {weir.quickstart['api_key']}"}
    with httpx.stream(
        "POST", f"{url}/v1/chat/completions", json=body, headers=headers, timeout=HANG_S, verify=trust(url)
    ) as answer:
        assert answer.status_code == 200
        generation = answer.headers["x-generation-id"]
        lines = answer.iter_lines()
        next(line for line in lines if line.startswith("data: {"))
        # From here the second provider takes more than a second, and nothing but both is ever there.
        data = there(weir, generation)
    first, second = data["provider_responses"]
    assert (first["status"], first["outcome"], first["cost"]) == (500, "failed", 0)
    assert (second["status"], second["outcome"], second["id"]) == (200, "answered", event_id(generation, 2))
    assert data["provider_name"] == second["provider_name"] == "Sandbox (zero retention)"
    assert pico(data["total_cost"]) == pico(second["cost"]) == int(sandbox.call(event_id(generation, 2))["cost_pico"])


def test_a_request_that_failed_everywhere_is_there_and_cost_nothing(weir):
    answer = weir.chat("[[sandbox status=503 site=openai]]", provider={"order": ["openai"], "allow_fallbacks": False})
    assert answer.status_code == 503
    data = there(weir, answer.headers["x-generation-id"])
    assert data["total_cost"] == 0 and data["finish_reason"] is None and data["latency"] is None
    assert [r["status"] for r in data["provider_responses"]] == [503]


def test_an_app_that_left_is_told_that_it_cancelled(weir):
    script = '[[sandbox reply="a b c d e f g h" chunks=8 chunk_ms=300]]'
    body = {"model": MODELS[0], "messages": [{"role": "user", "content": script}], "stream": True, "max_tokens": 50}
    url = weir.data_url
    headers = {"Authorization": f"Bearer {weir.quickstart['api_key']}"}
    with httpx.stream(
        "POST", f"{url}/v1/chat/completions", json=body, headers=headers, timeout=HANG_S, verify=trust(url)
    ) as answer:
        generation = answer.headers["x-generation-id"]
        next(line for line in answer.iter_lines() if line.startswith("data: {"))
    data = there(weir, generation)
    assert data["cancelled"] is True and data["streamed"] is True and data["total_cost"] > 0


def test_an_id_that_nobody_was_given_is_a_404_that_says_when_ids_appear(weir):
    for unknown in (NOBODY, "gen-1", "nonsense", "req_019a1e0f1a0070008000000000000000"):
        answer = ask(weir, unknown)
        assert answer.status_code == 404, answer.text
        assert "once its usage is in the ledger" in answer.json()["error"]["message"]
    without = ask(weir, None)
    assert without.status_code == 400 and without.json()["error"]["metadata"]["field"] == "id"
    assert ask(weir, NOBODY, key="sk-weir-wrong").status_code == 401


def move_to_another_org(weir, key):
    """Past Weir, which has one organization: the key is another one's from the next start on."""
    other, zeros = "org_" + "1" * 32, "0" * 64
    statements = [
        "INSERT INTO orgs (id, name, policy_revision, published_revision, audit_seq, audit_hash, changed_at) "
        f"VALUES ('{other}', 'Elsewhere', 1, 1, 0, '{zeros}', 0)",
        f"INSERT INTO ledger_heads (org_id, seq, hash) VALUES ('{other}', 0, '{zeros}')",
        f"UPDATE keys SET org_id = '{other}' WHERE id = '{key}'",
    ]
    if weir.shape == "cluster":
        weir.servers.sql(";".join(statements), weir.cluster.name)
        # No revision tells of what went past Weir: a node would go on with the policy it has.
        for node in weir.nodes:
            (node.directory / "policy.sealed").unlink(missing_ok=True)
        return other
    with sqlite3.connect(weir.data_dir / "weir.db") as database:
        for statement in statements:
            database.execute(statement)
    database.close()
    return other


def test_another_organizations_generation_is_a_404_like_one_that_does_not_exist(own_weir):
    weir = own_weir
    key, secret = weir.create_key("of another organization")
    generation = weir.chat("[[sandbox]] hi").headers["x-generation-id"]
    there(weir, generation)
    assert there(weir, generation, key=secret)["id"] == generation, "any key of the organization may ask"
    assert weir.stop() == 0
    other = move_to_another_org(weir, key)
    weir.start()
    headers = {"Authorization": f"Bearer {secret}"}
    url = weir.data_url
    told = httpx.get(f"{url}/v1/key", headers=headers, timeout=HANG_S, verify=trust(url)).json()["data"]
    assert told["organization_id"] == other
    there(weir, generation)
    theirs, nobodys = (ask(weir, id, key=secret) for id in (generation, NOBODY))
    assert theirs.status_code == nobodys.status_code == 404 and theirs.text == nobodys.text


def test_without_a_control_plane_it_is_a_503_and_inference_goes_on(own_weir):
    weir = own_weir
    if weir.shape != "cluster":
        pytest.skip("one process has its control plane within")
    generation = weir.chat("hi").headers["x-generation-id"]
    there(weir, generation)
    for control in weir.cluster.controls:
        control.kill()
    answer = ask(weir, generation)
    assert answer.status_code == 503 and "inference is not affected" in answer.json()["error"]["message"]
    assert weir.chat("still here").status_code == 200
