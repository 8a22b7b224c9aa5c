"""Any process may start first, and what is set wrong is a sentence in a log: no order to learn, no stack trace to read."""

import pathlib
import secrets
import subprocess

import httpx
import pytest

from cluster import Cluster
from stack import HANG_S, WEIR, clean_env, eventually


def no_stack_trace(*members):
    for member in members:
        assert "panicked" not in member.log() and "stack backtrace" not in member.log(), member.log()[-4000:]


def says(member, *words):
    """Waits until the log of `member` has all of the words in one line; returns it."""

    def found():
        return next((line for line in member.log().splitlines() if all(word in line for word in words)), None)

    return eventually(found, f"{member.name} says {words}; its log: {member.log_file}")


def ended(member):
    """Its exit code, once it has ended by itself."""
    eventually(lambda: not member.alive(), f"{member.name} ends")
    return member.process.process.returncode


def answers(cluster, n):
    told = cluster.quickstart()
    body = {"model": "openai/gpt-4.1-mini", "messages": [{"role": "user", "content": "hi"}]}
    key = {"Authorization": f"Bearer {told['api_key']}"}
    return httpx.post(f"{told['data_urls'][n]}/v1/chat/completions", json=body, headers=key, timeout=HANG_S).status_code


def cluster_on(servers, sandbox, tmp_path, started, name="weir", **settings):
    made = Cluster(tmp_path / name, servers, name=name, sandbox_url=sandbox.url, env=clean_env(**settings))
    started.append(made)
    return made


def test_the_last_first_each_waits_says_for_what_and_goes_on(own_servers, sandbox, tmp_path, started):
    cluster = cluster_on(own_servers, sandbox, tmp_path, started)
    [control], [one, two] = cluster.controls, cluster.nodes
    own_servers.start_postgres()
    own_servers.database("weir")
    own_servers.stop_postgres()
    one.start()
    says(one, "waiting for the control plane")
    says(one, "Redis", "cannot be reached")
    assert "control plane" in eventually(one.waits_for, "readiness says what is missing")
    control.start()
    says(control, "waiting for the database")
    assert "database" in eventually(control.waits_for, "readiness says what is missing")
    two.start()
    own_servers.start_postgres()
    says(control, "waiting for the database", "migrate")
    assert one.waits_for() and two.waits_for(), "nothing is served without policy"
    cluster.migrate()
    for member in cluster.members():
        member.ready()
    assert [answers(cluster, 0), answers(cluster, 1)] == [200, 200], "also while Redis is still missing"
    own_servers.start_redis()
    for member in cluster.members():
        says(member, "Redis is used again")
        assert member.log().count("Redis is not used") == 1, "an outage is said once"
    no_stack_trace(*cluster.members())
    assert set(cluster.stop().values()) == {0}


def test_a_node_starts_from_what_it_knew_with_everything_else_down(own_servers, sandbox, tmp_path, started):
    cluster = cluster_on(own_servers.start(), sandbox, tmp_path, started).start()
    kept = cluster.nodes[0].directory / "policy.sealed"
    eventually(kept.exists, "the node keeps what it knows")
    assert set(cluster.stop().values()) == {0}
    own_servers.stop()
    node = cluster.nodes[0].start().ready()
    assert answers(cluster, 0) == 200
    says(node, "waiting for the control plane")
    # Usage waits in the journal, and is in the ledger once everything is back.
    own_servers.start()
    cluster.controls[0].start().ready()
    says(node, "answers again")
    eventually(lambda: "weir_journal_unshipped_events 0" in httpx.get(f"{node.ops_url}/metrics").text, "usage is shipped")
    no_stack_trace(*cluster.members())


def test_a_wrong_postgres_password_is_said(servers, sandbox, tmp_path, started):
    cluster = cluster_on(servers, sandbox, tmp_path, started, "wrong_postgres_password")
    cluster.migrate()
    [control] = cluster.controls
    control.env["WEIR__STORE__URL"] = servers.url("weir_app", cluster.name, "not-the-password")
    control.start()
    says(control, "password")
    assert "not-the-password" not in control.log()
    no_stack_trace(control)


def test_a_wrong_redis_password_is_said_and_costs_only_the_fast_path(servers, sandbox, tmp_path, started):
    cluster = cluster_on(servers, sandbox, tmp_path, started, "wrong_redis_password")
    cluster.migrate()
    for member in cluster.members():
        member.env["WEIR__REDIS__URL"] = servers.redis_url("not-the-password")
    cluster.start()
    for member in cluster.members():
        says(member, "Redis", "refuses the user or the password")
        assert "not-the-password" not in member.log()
    assert [answers(cluster, 0), answers(cluster, 1)] == [200, 200]
    no_stack_trace(*cluster.members())
    assert set(cluster.stop().values()) == {0}


@pytest.mark.parametrize("wrong", ["master key", "link token"])
def test_a_node_with_a_wrong_secret_is_told_so_and_serves_nothing(servers, sandbox, tmp_path, started, wrong):
    cluster = cluster_on(servers, sandbox, tmp_path, started, "wrong_" + wrong.replace(" ", "_"))
    stranger = cluster.nodes[1]
    if wrong == "link token":
        stranger.env["WEIR__LINK__TOKEN"] = "not-the-token"
    else:
        other = tmp_path / "other.key"
        other.write_text(secrets.token_hex(32))
        other.chmod(0o600)
        stranger.env["WEIR__SECRETS__MASTER_KEY_FILE"] = str(other)
    cluster.migrate()
    cluster.controls[0].start().ready()
    stranger.start()
    says(stranger, "the node token is wrong", "master key")
    assert stranger.waits_for() and "not-the-token" not in stranger.log()
    no_stack_trace(*cluster.members())


def test_a_control_plane_with_another_master_key_ends_and_says_why(servers, sandbox, tmp_path, started):
    cluster = cluster_on(servers, sandbox, tmp_path, started, "other_master_key")
    cluster.migrate()
    [control] = cluster.controls
    control.start().ready()
    assert control.stop() == 0
    (cluster.directory / "master.key").write_text(secrets.token_hex(32))
    control.start()
    assert ended(control) == 1
    assert "is not the master key that this database was begun with" in control.log()
    no_stack_trace(control)


@pytest.mark.parametrize("who", ["data", "control"])
def test_a_clock_that_is_off_by_minutes_is_said(servers, sandbox, tmp_path, started, who):
    library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if not library:
        pytest.skip("libfaketime is not installed (Debian package)")
    cluster = cluster_on(servers, sandbox, tmp_path, started, f"wrong_clock_{who}")
    late = cluster.nodes[0] if who == "data" else cluster.controls[0]
    late.env |= {"LD_PRELOAD": str(library), "FAKETIME": "+7m", "DONT_FAKE_MONOTONIC": "1"}
    cluster.migrate()
    if who == "data":
        cluster.controls[0].start().ready()
    late.start()
    says(late, "clock")
    no_stack_trace(*cluster.members())


@pytest.mark.parametrize(("role", "setting", "value", "word"), [
    ("control", "WEIR__STORE__URL", "", "store.url"),
    ("control", "WEIR__STORE__URL", "postgres://no such url", "store.url"),
    ("control", "WEIR__LINK__LISTEN", "0.0.0.0:0", "link.listen"),
    ("data", "WEIR__LINK__URL", "", "link.url"),
    ("data", "WEIR__LINK__URL", "ftp://elsewhere", "link.url"),
    ("data", "WEIR__REDIS__URL", "nonsense", "redis.url"),
    ("data", "WEIR__SECRETS__MASTER_KEY_FILE", "/nowhere/master.key", "secrets.master_key_file"),
])
def test_a_setting_that_no_role_can_work_with_ends_it_with_a_sentence(tmp_path, role, setting, value, word):
    master = tmp_path / "master.key"
    master.write_text(secrets.token_hex(32))
    master.chmod(0o600)
    good = {
        "WEIR__DATA_DIR": str(tmp_path / "data"), "WEIR__SECRETS__MASTER_KEY_FILE": str(master),
        "WEIR__STORE__URL": "postgres://a:b@127.0.0.1:1/c", "WEIR__LINK__URL": "http://127.0.0.1:1",
        "WEIR__DATA__LISTEN": "127.0.0.1:0", "WEIR__ADMIN__LISTEN": "127.0.0.1:0",
        "WEIR__OPS__LISTEN": "127.0.0.1:0", "WEIR__LINK__LISTEN": "127.0.0.1:0",
    }
    env = clean_env(**{**good, setting: value})
    done = subprocess.run([WEIR, role], env=env, capture_output=True, text=True, timeout=HANG_S)
    assert done.returncode == 1, done.stderr
    assert word in done.stderr and "panicked" not in done.stderr and "stack backtrace" not in done.stderr, done.stderr
