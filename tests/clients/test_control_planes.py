"""Control planes that come after one another, or run side by side: a restored backup wins, and guesses at a password add up."""

import subprocess

import httpx

from cluster import Cluster
from stack import HANG_S, NO_TLS, WEIR, Api, clean_env, eventually

GUESSES = 5


class One(Api):
    """A cluster as people and apps see it."""

    def __init__(self, cluster):
        self.cluster, self.quickstart = cluster, cluster.quickstart()

    def answers(self, key):
        """What each node answers to a request with this key."""
        body = {"model": "openai/gpt-4.1-mini", "messages": [{"role": "user", "content": "hi"}]}
        headers = {"Authorization": f"Bearer {key}"}
        urls = [f"{url}/v1/chat/completions" for url in self.quickstart["data_urls"]]
        return [httpx.post(url, json=body, headers=headers, timeout=HANG_S, verify=NO_TLS).status_code for url in urls]


def log_in(cluster, n, email, password):
    url = f"http://{cluster.controls[n].env['WEIR__ADMIN__LISTEN']}/auth/login"
    return httpx.post(url, json={"email": email, "password": password}, timeout=HANG_S, verify=NO_TLS)


def test_wrong_passwords_at_two_control_planes_add_up_with_redis_and_never_lock_without(own_servers, sandbox, tmp_path, started):
    own_servers.start()
    cluster = Cluster(tmp_path / "two", own_servers, name="two_controls", controls=2, nodes=1, sandbox_url=sandbox.url, env=clean_env())
    started.append(cluster)
    cluster.start()
    owner = cluster.quickstart()
    for guess in range(GUESSES):
        assert log_in(cluster, guess % 2, "nobody@example.com", "a wrong guess").status_code == 401
    refused = [log_in(cluster, n, "nobody@example.com", "a wrong guess") for n in (0, 1)]
    assert [answer.status_code for answer in refused] == [429, 429]
    assert all(0 < int(answer.headers["retry-after"]) <= 60 for answer in refused)
    assert log_in(cluster, 0, owner["email"], owner["password"]).status_code == 200, "others are not held up"

    own_servers.stop_redis()
    assert log_in(cluster, 1, owner["email"], owner["password"]).status_code == 200
    assert log_in(cluster, 1, owner["email"], "a wrong guess").status_code == 401


def test_nodes_take_what_a_restored_backup_holds_though_they_know_of_newer(servers, sandbox, tmp_path, started):
    name = "restored"
    cluster = Cluster(tmp_path / name, servers, name=name, sandbox_url=sandbox.url, env=clean_env())
    started.append(cluster)
    cluster.start()
    weir, [control] = One(cluster), cluster.controls
    _, kept = weir.create_key("in the backup")
    assert control.stop() == 0
    servers.sql(f"CREATE DATABASE {name}_backup TEMPLATE {name} OWNER weir_owner")

    control.start().ready()
    _, lost = weir.create_key("later than the backup")
    # Nodes find a control plane that was away within a second or two; until then nobody waits for them.
    eventually(lambda: weir.answers(lost) == [200, 200], "both nodes know the key")
    assert control.stop() == 0
    servers.sql(f"DROP DATABASE {name}")
    servers.sql(f"ALTER DATABASE {name}_backup RENAME TO {name}")
    done = subprocess.run([WEIR, "restored"], env=control.env, capture_output=True, text=True, timeout=HANG_S)
    assert done.returncode == 0, done.stderr
    before, epoch = (int(word) for word in done.stdout.replace(":", "").split() if word.isdigit())
    assert epoch > before

    control.start().ready()
    eventually(lambda: weir.answers(lost) == [401, 401], "the key that the backup does not know is refused")
    assert weir.answers(kept) == [200, 200]
    _, new = weir.create_key("after the restore")
    eventually(lambda: weir.answers(new) == [200, 200], "both nodes know the key")


def test_restored_without_a_backup_is_refused_with_a_sentence(tmp_path):
    done = subprocess.run([WEIR, "restored"], env=clean_env(WEIR__DATA_DIR=str(tmp_path)), capture_output=True, text=True, timeout=HANG_S)
    assert done.returncode == 1 and "restore the backup first" in done.stderr, done.stderr
    assert list(tmp_path.iterdir()) == []
