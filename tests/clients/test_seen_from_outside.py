"""Metrics, traces and logs: what operators see, and what nobody may see there."""

import http.server
import threading
import uuid

from stack import eventually


class Collector:
    """A fake OTLP collector that keeps the bodies it is sent."""

    def __init__(self):
        bodies = self.bodies = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def all(self):
        return b"".join(body for _, body in self.bodies)


def test_traces_of_both_planes_reach_a_collector_without_content(start_weir):
    collector = Collector()
    weir = start_weir(WEIR__TELEMETRY__OTLP_ENDPOINT=collector.url)
    canary = uuid.uuid4().hex
    assert weir.chat(f"remember {canary}").status_code == 200
    assert weir.chat(f"[[sandbox status=500 message={canary}]]", model="openai/gpt-4.1").status_code == 502
    weir.create_team("traced")
    assert weir.stop() == 0
    spans = collector.all()
    assert {path for path, _ in collector.bodies} == {"/v1/traces"}
    for name in (b"gen_ai.operation.name", b"gen_ai.provider.name", b"gen_ai.request.model", b"gen_ai.usage.input_tokens",
                 b"gen_ai.usage.output_tokens", b"openai/gpt-4.1-mini", b"weir.cost_pico"):
        assert name in spans, name
    assert b"graphql" in spans.lower()
    assert canary.encode() not in spans
    assert canary not in weir.log()
    collector.server.shutdown()


def test_metrics_count_what_happened(own_weir):
    weir = own_weir
    assert weir.chat("hi").status_code == 200
    assert weir.chat("hi", model="no/such").status_code == 400
    weir.settled_events(1)

    # An event is in the ledger a moment before its node knows that it is.
    for line in ('weir_attempts_total{outcome="answered"', 'weir_requests_total{route="chat",status="200"} 1',
                 'weir_requests_total{route="chat",status="400"} 1', "weir_journal_unshipped_events 0",
                 "weir_open_requests 0", "weir_policy_staleness_seconds"):
        eventually(lambda line=line: line in weir.metrics(), f"the metrics say {line}")


def test_an_answer_explains_where_its_time_went(own_weir):
    timing = own_weir.chat("hi").headers["server-timing"]
    assert all(f"{stage};dur=" in timing for stage in ("policy", "budget", "translate", "upstream")), timing
