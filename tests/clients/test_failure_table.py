"""Each row of the failure table, made to happen: what is seen is what tests/failure-table.toml promises, word for word.

`UPDATE_GENERATED=1` writes docs/failure-table.md from what was seen. A cluster is needed; of one process there is no table.
Invariant: what is promised and not kept is shown as "not yet", and only as long as it is seen to be so.
"""

import concurrent.futures
import os
import pathlib
import signal
import tempfile
import time
import tomllib

import pytest

from cluster import Servers
from conftest import SHAPES
from launch import ROOT
from outages import World, agreed, ask, until_refused, word
from stack import eventually

TABLE = tomllib.loads((ROOT / "tests" / "failure-table.toml").read_text())
ROWS = {row["name"]: row for row in TABLE["row"]}
DOCUMENT = ROOT / "docs" / "failure-table.md"
# A journal that can be filled within seconds, and apps that do not wait for long: with Postgres away each refusal takes its time.
WITHOUT_POSTGRES = {"WEIR__JOURNAL__CAP_BYTES": "250000", "WEIR__BUDGET__LEASE_TIMEOUT_MS": "2000"}
A_DAY_LATER = "+25h"


def redis(world):
    urls, servers = world.weir.data_urls, world.servers
    servers.redis_command("FLUSHALL")
    after_loss = world.obeyed_in_time(urls, world.to_revoke.pop())
    streams = world.streams(urls)
    servers.stop_redis()
    world.in_flight(streams)
    seen = {**world.enforced(urls), "rate": world.rate(urls), "change": world.obeyed_in_time(urls, world.to_revoke.pop())}
    seen |= {**world.hard_budgets(urls), "change_after_loss": after_loss, "streams": agreed(s.ended() for s in streams)}
    servers.start_redis()
    return seen


def cut_off(world, stop):
    """What is seen when neither a change nor money can reach the nodes any more, also by a node that starts only then."""
    urls = world.weir.data_urls
    streams = world.streams(urls)
    stop()
    world.in_flight(streams)
    seen = {**world.enforced(urls), "rate": world.rate(urls), **world.hard_budgets(urls)}
    seen |= {"change": world.not_revoked(urls, world.to_revoke[-1]), "streams": agreed(s.ended() for s in streams)}
    node, url = world.weir.nodes[1], urls[1]
    node.kill()
    node.start().ready()
    restarted = {**world.enforced([url]), "hard_budget": agreed(word(ask(url, key[1])) for key in (world.hard, world.unleased))}
    return seen | {f"restarted_{name}": told for name, told in restarted.items()}


def postgres(world):
    seen = cut_off(world, lambda: world.servers.stop_postgres(signal.SIGQUIT))
    seen["journal_full"] = full_journal(world, world.weir.data_urls[0])
    world.servers.start_postgres()
    return seen


def full_journal(world, url):
    """Many apps at one node until it admits nobody."""
    with concurrent.futures.ThreadPoolExecutor(8) as apps:
        return agreed(apps.map(lambda _: until_refused(url, world.plain), range(8)))


def control_plane(world):
    strict, [control] = world.strict(), world.weir.cluster.controls
    seen = cut_off(world, control.kill)
    control.start().ready()
    return {**seen, "strict_org": strict}


def all_three(world):
    servers, [control] = world.servers, world.weir.cluster.controls

    def stop():
        control.kill()
        servers.stop_redis()
        servers.stop_postgres(signal.SIGQUIT)

    seen = cut_off(world, stop)
    servers.start()
    control.start().ready()
    return seen


def node_killed_mid_stream(world):
    weir = world.weir
    [dead, *others], [node, *_] = weir.data_urls, weir.nodes
    held = world.escrow(world.of_the_first)
    broken, streams = world.streams([dead]), world.streams(others)
    node.kill()
    world.in_flight(streams)
    seen = {**world.enforced(others), **world.hard_budgets(others)}
    seen |= {"streams_of_the_node": agreed(s.ended() for s in broken), "streams": agreed(s.ended() for s in streams)}
    told = weir.mutate("revokeKey", "propagation { acked { node { name } } unreachable { name } }", id=world.to_revoke[-1][0])
    unreachable = [one["name"] for one in told["propagation"]["unreachable"]]
    refused = agreed(word(ask(url, world.to_revoke.pop()[1])) for url in others)
    is_obeyed = (unreachable, refused) == (["data-1"], "refused: 401 authentication")
    seen["change"] = "obeyed by the others; the dead node is named" if is_obeyed else f"{told}, {refused}"
    is_held = 0 < held == world.escrow(world.of_the_first)
    seen["leases_of_the_node"] = "stays in escrow" if is_held else "is granted to others"
    node.start().ready()
    return seen


FAULTS = {make.__name__: make for make in (redis, postgres, control_plane, all_three, node_killed_mid_stream)}


def escrow_afterwards(world):
    world.quiet()
    eventually(lambda: world.escrow(world.of_the_first) == 0, "the next life has said hello")
    return {"after_leases_of_the_node": "can be granted again"}


def a_day_later(world):
    """One node alone, everything else down, by a clock that is a day ahead."""
    library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    assert library, "libfaketime is not installed (Debian package): tests/install.sh servers"
    assert set(world.weir.cluster.stop().values()) == {0}
    world.servers.stop()
    [node, *_], [url, *_] = world.weir.nodes, world.weir.data_urls
    node.env |= {"LD_PRELOAD": str(library), "FAKETIME": A_DAY_LATER, "DONT_FAKE_MONOTONIC": "1"}
    node.start().ready()
    return {"restarted_a_day_later": word(ask(url, world.plain))}


def observe(name, directory, servers):
    """Everything that is seen of one row."""
    began = time.monotonic()
    servers.start()
    world = World(directory, servers, **(WITHOUT_POSTGRES if name == "postgres" else {}))
    try:
        ready = time.monotonic()
        seen = FAULTS[name](world)
        back = time.monotonic()
        if name == "node_killed_mid_stream":
            seen |= escrow_afterwards(world)
        seen |= world.afterwards()
        if name == "all_three":
            seen |= a_day_later(world)
        assert "panicked" not in world.weir.log()
    finally:
        world.end()
    print(f"{name}: {ready - began:.1f} s to set up, {back - ready:.1f} s with something down, {time.monotonic() - back:.1f} s afterwards")
    return seen


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What was seen of a row; each happens once."""
    if "cluster" not in SHAPES:
        pytest.skip("of one process there is no table")
    home = pathlib.Path(tempfile.mkdtemp(prefix="weir-servers-"))
    servers, known = Servers(home, durable=False), {}

    def of(name):
        if name not in known:
            servers.stop()
            known[name] = observe(name, tmp_path_factory.mktemp(name), servers)
        return known[name]

    try:
        yield of
    finally:
        servers.destroy()


def expected(row):
    return {**row["seen"], **{name: gap["seen"] for name, gap in row.get("not_yet", {}).items()}}


@pytest.mark.parametrize("name", ROWS)
def test_what_is_seen_of_a_row_is_what_the_table_promises(seen, name):
    assert seen(name) == expected(ROWS[name])


def test_every_row_has_a_fault_and_every_observation_a_name():
    assert FAULTS.keys() == ROWS.keys()
    for row in TABLE["row"]:
        assert row["seen"].keys() <= TABLE["observations"].keys()
        for name, gap in row.get("not_yet", {}).items():
            assert gap["seen"] != row["seen"][name], "what is kept is no longer not yet"


def cell(row, name, what):
    gap = row.get("not_yet", {}).get(name)
    if gap and what == gap["seen"]:
        return f"**not yet**: {gap['why']}"
    return what


def document(seen):
    """The page, from the design's sentences and from what was seen."""
    heads = [row["down"] for row in TABLE["row"]]
    lines = [
        "# What is down, and what then", "",
        "Written by `UPDATE_GENERATED=1 pytest tests/clients/test_failure_table.py`, which makes each of these happen to a cluster of",
        "two data planes and one control plane, as processes. Everything is asked of every node that runs, with keys, policies and",
        "budgets made before; what was spent is the simulated providers' own meter. `make chaos` does it all at once, at random.", "",
        "| down | still enforced | lost |", "|---|---|---|",
        *(f"| {row['down']} | {row['enforced']} | {row['lost']} |" for row in TABLE["row"]), "",
        "## What was seen", "",
        f"| | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|",
    ]
    for name, heading in TABLE["observations"].items():
        cells = [cell(row, name, seen(row["name"])[name]) if name in seen(row["name"]) else "–" for row in TABLE["row"]]
        lines.append(f"| {heading} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def test_the_document_says_what_was_seen(seen):
    current = document(seen)
    if os.environ.get("UPDATE_GENERATED"):
        assert all(seen(name) == expected(row) for name, row in ROWS.items()), "nothing is written of what is not promised"
        DOCUMENT.write_text(current)
    assert DOCUMENT.read_text() == current, "docs/failure-table.md is stale: run this file with UPDATE_GENERATED=1"
