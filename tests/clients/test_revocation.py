"""A change is obeyed on each node's own port, on connections that are open already; also without Redis."""

import http.client
import json
import time

import pytest

from cluster import ClusterWeir
from stack import HANG_S, eventually

MINI = "openai/gpt-4.1-mini"
OPENAI_ONLY = {"order": ["openai"], "allow_fallbacks": False}


class KeptAlive:
    """One connection to one node, used again and again; never a balancer."""

    def __init__(self, url, secret):
        self.connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=HANG_S)
        self.headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        self.socket = None

    def send(self, text="hi", **fields):
        """Sends a request and returns the answer, its body unread."""
        body = {"model": MINI, "messages": [{"role": "user", "content": text}], **fields}
        self.connection.request("POST", "/v1/chat/completions", json.dumps(body), self.headers)
        self.socket = self.socket or self.connection.sock
        assert self.connection.sock is self.socket, "the same connection is used throughout"
        return self.connection.getresponse()

    def ask(self, text="hi", **fields):
        answer = self.send(text, **fields)
        body = json.loads(answer.read())
        assert not answer.will_close
        return answer.status, body


def each_node(weir, secret):
    connections = [KeptAlive(url, secret) for url in weir.data_urls]
    assert [connection.ask()[0] for connection in connections] == [200] * len(connections)
    return connections


def statuses(connections, **fields):
    return [connection.ask(**fields)[0] for connection in connections]


def test_a_revoked_key_is_refused_on_the_next_request_of_every_nodes_open_connections(weir):
    for n in range(5):
        key, secret = weir.create_key(f"revoked everywhere {n}")
        connections = each_node(weir, secret)
        weir.revoke_key(key)
        assert statuses(connections) == [401] * len(connections)
        assert statuses(connections) == [401] * len(connections)


def test_a_stream_in_flight_may_end_and_the_next_request_on_its_connection_is_refused(weir):
    key, secret = weir.create_key("revoked in mid-stream")
    connections = each_node(weir, secret)
    text = '[[sandbox reply="a b c d e f g h i j" chunks=10 chunk_ms=150]]'
    answers = [connection.send(text, stream=True) for connection in connections]
    begun = [next(line for line in answer if b'"content":"' in line) for answer in answers]
    assert all(begun)
    weir.revoke_key(key)
    for connection, answer in zip(connections, answers):
        rest = answer.read().decode()
        assert answer.status == 200 and rest.rstrip().endswith("data: [DONE]"), rest[-500:]
        assert "j" in rest and '"error"' not in rest
        assert connection.ask()[0] == 401


def test_an_allowlist_is_obeyed_by_every_nodes_next_request(weir):
    key, secret = weir.create_key("soon narrowed")
    connections = each_node(weir, secret)
    rules = {"allowedModels": ["anthropic/*"]}
    policy = weir.mutate("createPolicy", "policy { id }", name="narrow", layer="KEY", layerId=key, rules=rules)["policy"]["id"]
    assert statuses(connections) == [403] * len(connections)
    weir.mutate("updatePolicy", "policy { id }", id=policy, rules={"allowedModels": ["openai/*"]})
    assert statuses(connections) == [200] * len(connections)


def test_zero_retention_is_obeyed_by_every_nodes_next_request(weir):
    key, secret = weir.create_key("soon without retention")
    connections = each_node(weir, secret)
    assert statuses(connections, provider=OPENAI_ONLY) == [200] * len(connections)
    weir.mutate("createPolicy", "policy { id }", name="none kept", layer="KEY", layerId=key, rules={"zdr": True})
    assert statuses(connections, provider=OPENAI_ONLY) == [404] * len(connections)
    for connection in connections:
        assert connection.ask()[1]["provider"] == "Sandbox (zero retention)"


def test_a_mutation_names_the_nodes_that_obey_it(servers, sandbox, tmp_path, started):
    weir = ClusterWeir(tmp_path, sandbox, servers)
    started.append(weir)
    key, _ = weir.create_key("told of")
    names = "propagation { acked { node { name } } unreachable { name } pending { name } refused { node { name } } }"
    told = weir.mutate("revokeKey", names, id=key)["propagation"]
    assert sorted(ack["node"]["name"] for ack in told["acked"]) == ["data-1", "data-2"]
    assert told["unreachable"] == told["pending"] == told["refused"] == []
    # One that has left is named, and not waited for without end.
    weir.nodes[1].kill()

    def unreachable():
        told = weir.mutate("createTeam", names, name="told of too")["propagation"]
        return [node["name"] for node in told["unreachable"]]

    eventually(lambda: unreachable() == ["data-2"], "the node that left is called unreachable")
    _, secret = weir.create_key("told of once more")
    assert KeptAlive(weir.data_urls[0], secret).ask()[0] == 200
    assert weir.stop() == 0


def test_a_node_that_was_away_knows_what_changed_before_it_serves(servers, sandbox, tmp_path, started):
    weir = ClusterWeir(tmp_path, sandbox, servers)
    started.append(weir)
    key, revoked = weir.create_key("revoked meanwhile")
    each_node(weir, revoked)
    eventually((weir.nodes[1].directory / "policy.sealed").exists, "the node keeps what it knows")
    weir.nodes[1].kill()
    weir.revoke_key(key)
    _, made = weir.create_key("made meanwhile")
    weir.start()
    assert KeptAlive(weir.data_urls[1], revoked).ask()[0] == 401
    assert KeptAlive(weir.data_urls[1], made).ask()[0] == 200
    assert weir.stop() == 0


def obeyed_everywhere_after(weir, name):
    """Revokes a key; seconds until every node refuses it."""
    key, secret = weir.create_key(name)
    connections = [KeptAlive(url, secret) for url in weir.data_urls]
    eventually(lambda: statuses(connections) == [200] * len(connections), "the new key is known to every node")
    began = time.monotonic()
    weir.revoke_key(key)
    eventually(lambda: statuses(connections) == [401] * len(connections), "the revoked key is refused on every node")
    return time.monotonic() - began


@pytest.mark.parametrize("outage", ["stopped", "emptied"])
def test_without_redis_a_revocation_goes_by_the_node_link(own_servers, sandbox, tmp_path, started, outage):
    weir = ClusterWeir(tmp_path, sandbox, own_servers.start())
    started.append(weir)
    if outage == "stopped":
        own_servers.stop_redis()
    else:
        own_servers.redis_command("FLUSHALL")
    seconds = [obeyed_everywhere_after(weir, f"without Redis {n}") for n in range(3)]
    print(f"Redis {outage}: obeyed on every node within {max(seconds):.3f} s (promised: 3 s)")
    if outage == "stopped":
        own_servers.start_redis()
        eventually(lambda: all("Redis is used again" in node.log() for node in weir.nodes), "Redis is used again")
        print(f"Redis is back: {obeyed_everywhere_after(weir, 'with Redis again'):.3f} s")
    assert weir.stop() == 0
