"""New prices: shown first, charged from the next request on, and never to a request of before."""

import os
import subprocess
import tempfile
from datetime import datetime, timedelta, timezone

from stack import HANG_S, eventually
from test_money import pico

from launch import WEIR

# It has one endpoint, so that no other becomes the cheaper one.
MODEL = "openai/gpt-4.1"
OLD, NEW = 'input = "2.00", cached_input = "0.50", output = "8.00"', 'input = "4.00", cached_input = "0.50", output = "16.00"'
SCRIPT = '[[sandbox reply="a b" prompt_tokens=100 completion_tokens=50]]'


def prices(weir, *arguments):
    env = weir.env if weir.shape == "run" else weir.cluster.controls[0].env
    return subprocess.run([WEIR, "prices", *arguments], env=env, capture_output=True, text=True, timeout=HANG_S)


def exported(weir):
    done = prices(weir, "export")
    assert done.returncode == 0, done.stderr
    return done.stdout


def imported(weir, book, *arguments):
    with tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False) as file:
        file.write(book)
    try:
        return prices(weir, "import", file.name, *arguments)
    finally:
        os.unlink(file.name)


def cost(weir):
    """What one scripted request costs, in pico-USD."""
    answer = weir.chat(SCRIPT, model=MODEL, max_tokens=100)
    assert answer.status_code == 200, answer.text
    return pico(str(answer.json()["usage"]["cost"]))


def dearer(book):
    changed = book.replace(OLD, NEW)
    assert changed != book, book
    return changed


def test_new_prices_are_charged_from_the_next_request_on_and_old_events_keep_theirs(own_weir):
    weir = own_weir
    before = 100 * 2_000_000 + 50 * 8_000_000
    costs = [cost(weir)]
    book = dearer(exported(weir))
    shown = imported(weir, book)
    assert shown.returncode == 0, shown.stderr
    assert "input: 2.00 -> 4.00 (+100.0 %)" in shown.stdout and "nothing was changed" in shown.stdout
    costs.append(cost(weir))
    assert costs == [before, before]
    done = imported(weir, book, "--apply")
    assert done.returncode == 0 and "1 changed, 0 new" in done.stdout, done.stdout + done.stderr
    # Each node in turn: all of them learn of it.
    for _ in weir.data_urls:
        eventually(lambda: costs.append(cost(weir)) or costs[-1] == 2 * before, "the new prices are charged", within_s=30)
    events = weir.settled_events(len(costs))
    assert sorted(pico(event["cost"]) for event in events) == sorted(costs)
    again = imported(weir, exported(weir), "--apply")
    assert again.returncode == 0 and "0 changed, 0 new" in again.stdout, again.stdout + again.stderr


def test_prices_of_a_day_to_come_wait_for_it_and_cannot_be_overtaken(own_weir):
    weir = own_weir
    before, book = cost(weir), dearer(exported(weir))
    tomorrow = (datetime.now(timezone.utc) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert imported(weir, book, "--effective-from", tomorrow, "--apply").returncode == 0
    refused = imported(weir, book, "--apply")
    assert refused.returncode != 0
    assert MODEL in refused.stderr and tomorrow in refused.stderr, refused.stderr
    assert cost(weir) == before
    assert NEW in prices(weir, "export", "--at", tomorrow).stdout


def test_negative_and_absurd_prices_are_refused_with_a_sentence(own_weir):
    weir = own_weir
    book = exported(weir)
    for price, sentence in [("-2.00", "the price of input is negative"), ("400000", "the price of input is absurd")]:
        refused = imported(weir, book.replace('input = "2.00"', f'input = "{price}"'), "--apply")
        assert refused.returncode != 0 and sentence in refused.stderr, refused.stderr
        assert MODEL in refused.stderr
    assert exported(weir).splitlines()[1:] == book.splitlines()[1:]
