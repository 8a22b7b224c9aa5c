"""An admin changes something over GraphQL; the very next request obeys."""

import concurrent.futures
import http.client
import json

import pytest

from stack import GraphQLError, eventually

MINI = "openai/gpt-4.1-mini"


def key_with_policy(weir, rules, name="policy"):
    key, secret = weir.create_key(name)
    weir.mutate("createPolicy", "policy { id }", name=name, layer="KEY", layerId=key, rules=rules)
    return secret


def applied(weir, key, check):
    """The very next request obeys: a mutation answers when the data plane has the change."""
    answer = weir.chat("hi", key=key)
    obeyed = check(answer)
    assert obeyed, answer.text
    return obeyed


def test_a_new_key_works_and_a_revoked_one_is_refused_on_an_open_connection(weir):
    key, secret = weir.create_key("soon gone")
    host = weir.data_url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=30)
    body = json.dumps({"model": MINI, "messages": [{"role": "user", "content": "hi"}]})
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}

    def ask():
        connection.request("POST", "/v1/chat/completions", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    assert ask() == 200
    socket = connection.sock
    assert weir.revoke_key(key)["key"]["revokedAt"]
    assert ask() == 401
    assert ask() == 401 and connection.sock is socket, "the same connection was used throughout"


def test_a_rotated_keys_old_secret_lives_for_its_grace_only(weir):
    key, old = weir.create_key("rotating")
    applied(weir, old, lambda r: r.status_code == 200)
    new = weir.mutate("rotateKey", "secret", id=key, graceSeconds=3600)["secret"]
    applied(weir, new, lambda r: r.status_code == 200)
    assert weir.chat("hi", key=old).status_code == 200
    newest = weir.mutate("rotateKey", "secret", id=key, graceSeconds=0)["secret"]
    applied(weir, newest, lambda r: r.status_code == 200)
    assert weir.chat("hi", key=new).status_code == 401
    assert weir.chat("hi", key=old).status_code == 401


def test_a_model_that_is_not_allowed_is_refused_by_name_of_rule_and_layer(weir):
    key = key_with_policy(weir, {"allowedModels": ["anthropic/*"]}, "only anthropic")
    refused = applied(weir, key, lambda r: r.status_code == 403 and r)
    message = refused.json()["error"]["message"]
    assert "only anthropic" in message and "key" in message and MINI in message
    assert weir.chat("hi", key=key, model="anthropic/claude-haiku-4.5").status_code == 200


def test_only_allowed_providers_are_used(weir):
    key = key_with_policy(weir, {"allowedProviders": ["sandbox-zdr"]}, "one provider")
    answer = applied(weir, key, lambda r: r.status_code == 200 and r.json()["provider"] == "Sandbox (zero retention)" and r)
    assert answer.json()["model"] == MINI
    refused = weir.chat("hi", key=key, model="anthropic/claude-haiku-4.5")
    assert refused.status_code == 404
    assert "one provider" in refused.json()["error"]["message"]


def test_zero_data_retention_leaves_only_endpoints_with_evidence(weir, sandbox):
    key = key_with_policy(weir, {"zdr": True}, "no retention")
    applied(weir, key, lambda r: r.status_code == 200 and r.json()["provider"] == "Sandbox (zero retention)")
    before = {c["seq"] for c in sandbox.calls()}
    for _ in range(20):
        assert weir.chat("secret", key=key).json()["provider"] == "Sandbox (zero retention)"
    refused = weir.chat("hi", key=key, model="openai/gpt-4.1")
    assert refused.status_code == 404
    availability = refused.json()["error"]["availability"]
    assert availability["code"] == "privacy_restricted" and availability["excluded_by"] == ["data_policy:zdr"]
    assert {c["site"] for c in sandbox.calls() if c["seq"] not in before} == {"zdr"}


def test_a_request_may_ask_for_zero_retention_itself_and_cannot_undo_it(weir):
    asked = weir.chat("hi", provider={"zdr": True})
    assert asked.json()["provider"] == "Sandbox (zero retention)"
    key = key_with_policy(weir, {"zdr": True}, "strict")
    applied(weir, key, lambda r: r.status_code == 200 and r.json()["provider"] == "Sandbox (zero retention)")
    for _ in range(10):
        assert weir.chat("hi", key=key, provider={"zdr": False}).json()["provider"] == "Sandbox (zero retention)"


def test_endpoints_show_their_evidence(weir):
    found = weir.graphql("{ models(first: 50) { nodes { slug endpoints { provider zdr evidenceUrl checkedAt } } } }")
    [mini] = [m for m in found["models"]["nodes"] if m["slug"] == MINI]
    by_provider = {e["provider"]: e for e in mini["endpoints"]}
    assert by_provider["sandbox-zdr"]["zdr"] and by_provider["sandbox-zdr"]["evidenceUrl"].endswith("/policies/zdr")
    assert by_provider["sandbox-zdr"]["checkedAt"].startswith("2026-11-01")
    assert not by_provider["openai"]["zdr"] and by_provider["openai"]["evidenceUrl"] is None


def test_failover_goes_to_the_other_endpoint_and_both_attempts_are_metered(weir):
    key, secret = weir.create_key("failover")
    applied(weir, secret, lambda r: r.status_code == 200)
    answer = weir.chat("[[sandbox status=500 site=openai]]", key=secret, provider={"order": ["openai"]})
    assert answer.status_code == 200 and answer.json()["provider"] == "Sandbox (zero retention)"
    generation = answer.json()["id"].rsplit("-", 1)[1]
    attempts = eventually(
        lambda: (found := [e for e in weir.events() if generation in e["id"]]) and len(found) == 2 and found,
        "both attempts are in the ledger",
    )
    by_number = {e["id"].rsplit(".", 1)[1]: e for e in attempts}
    assert by_number["1"]["outcome"] == "FAILED" and by_number["1"]["cost"] == "0"
    assert by_number["2"]["outcome"] == "ANSWERED" and by_number["2"]["provider"] == "sandbox-zdr"


def test_no_fallback_means_the_providers_error_is_returned(weir):
    answer = weir.chat("[[sandbox status=503 site=openai]]", provider={"order": ["openai"], "allow_fallbacks": False})
    assert answer.status_code == 503


def test_a_revocation_between_attempts_stops_the_next_attempt(weir, sandbox):
    key, secret = weir.create_key("revoked in flight")
    applied(weir, secret, lambda r: r.status_code == 200)
    started = {c["seq"] for c in sandbox.calls()}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        text = "[[sandbox status=500 latency_ms=3000 site=openai]]"
        request = pool.submit(weir.chat, text, key=secret, provider={"order": ["openai"]})
        eventually(lambda: [c for c in sandbox.calls() if c["seq"] not in started], "the first attempt is on its way")
        weir.revoke_key(key)
        answer = request.result()
    assert answer.status_code == 401, answer.text
    assert {c["site"] for c in sandbox.calls() if c["seq"] not in started} == {"openai"}


def test_another_orgs_ids_are_not_found(weir):
    foreign = "key_" + "0" * 32
    with pytest.raises(GraphQLError) as refused:
        weir.mutate("revokeKey", "key { id }", id=foreign)
    assert refused.value.code == "NOT_FOUND"


def test_every_change_is_obeyed_by_the_very_next_request(weir):
    for n in range(20):
        key, secret = weir.create_key(f"short-lived {n}")
        assert weir.chat("hi", key=secret).status_code == 200
        weir.revoke_key(key)
        assert weir.chat("hi", key=secret).status_code == 401
