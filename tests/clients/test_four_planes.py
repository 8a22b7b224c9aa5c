"""Three hundred streams at once over four data planes, under a hard budget that is enough for a third of them."""

import http.client
import json
import threading

import pytest

from cluster import ClusterWeir
from stack import HANG_S, eventually
from test_budget_terms import standing
from test_money import MINI, make_budget, pico

PLANES, STREAMS = 4, 300
TOKENS = 2000
SLOW = f'[[sandbox reply="a b c d e f g h" prompt_tokens=20 completion_tokens={TOKENS} chunks=20 chunk_ms=150]]'


@pytest.fixture
def wide(tmp_path, sandbox, servers, started):
    """A cluster of four data planes."""
    started.append(ClusterWeir(tmp_path, sandbox, servers, nodes=PLANES))
    return started[-1]


class Crowd:
    """Threads that begin their streams together; what each was told."""

    def __init__(self, urls, secret):
        self.urls, self.secret, self.together = urls, secret, threading.Barrier(STREAMS)
        self.told, self.broken, self.lock = [], [], threading.Lock()

    def run(self):
        threads = [threading.Thread(target=self._stream, args=(number,)) for number in range(STREAMS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANG_S * 4)
        assert not any(thread.is_alive() for thread in threads), "a stream hangs"
        return self

    def _stream(self, number):
        connection = http.client.HTTPConnection(self.urls[number % PLANES].removeprefix("http://"), timeout=HANG_S * 3)
        body = {"model": MINI, "stream": True, "max_tokens": TOKENS, "messages": [{"role": "user", "content": SLOW}]}
        self.together.wait()
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body), {
                "Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"})
            answer = connection.getresponse()
            status, text = answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            status, text = 0, repr(error)
        finally:
            connection.close()
        # A stream has its status when the first comment goes out; what is refused after that is said in it.
        is_refused = status == 402 or (status == 200 and '"code":402' in text)
        with self.lock:
            self.told.append("refused" if is_refused else status)
            if not is_refused and not (status == 200 and text.rstrip().endswith("[DONE]")):
                self.broken.append((status, text[-300:]))


def test_three_hundred_streams_over_four_planes_stay_within_a_budget_for_a_third_of_them(wide, meter):
    assert len(wide.data_urls) == PLANES
    key, secret = wide.create_key("crowd")
    wide.mutate("createPolicy", "policy { id }", name="whole", layer="KEY", layerId=key, rules={"unaffordable": "REJECT"})
    # What one of them costs: 2000 tokens at 1.6 US dollars a million, and a few for the prompt.
    limit = "0.33"
    budget = make_budget(wide, "KEY", key, limit, "a third")
    crowd = Crowd(wide.data_urls, secret).run()
    assert crowd.broken == []
    answered = crowd.told.count(200)
    assert set(crowd.told) == {200, "refused"} and len(crowd.told) == STREAMS
    assert STREAMS // 6 <= answered <= STREAMS // 2, f"{answered} were answered"
    bill = meter.bill()
    assert len(meter.calls()) == answered and bill <= pico(limit)
    eventually(lambda: pico(standing(wide, budget)["spent"]) == bill, "what was spent is what was billed")
    # What is left is found again, wherever it was: more is answered, and never more than there is.
    for _ in range(3):
        crowd = Crowd(wide.data_urls, secret).run()
        assert crowd.broken == []
    assert pico(limit) * 95 // 100 <= meter.bill() <= pico(limit)
