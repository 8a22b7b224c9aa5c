"""A threshold that a budget reaches is told to a real webhook and by a real mail server: once, signed, or later, but told."""

import base64
import contextlib
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import socketserver
import threading
import time
from decimal import Decimal

import pytest

from servers import free_port
from stack import GraphQLError, eventually

ANSWER = '[[sandbox reply="a b c d e f g h" prompt_tokens=10 completion_tokens=400]]'
# The first wait is a second, so that the ones after it are 6 and 30.
OPEN = {"WEIR__NOTICES__ALLOW_PRIVATE_NETWORKS": "true", "WEIR__NOTICES__RETRY_AFTER_S": "1"}
TARGETS = """query($o: ID!) { organization(id: $o) { noticeTargets { nodes {
    id name kind destination deliveredAt failingSince failures lastError waiting givenUp } } } }"""


class Receiver:
    """A webhook that keeps what it gets. It answers `statuses` first, then 204; while it `hangs`, nothing."""

    def __init__(self, statuses=()):
        self.got, self.statuses, self.answering = [], list(statuses), threading.Event()
        self.answering.set()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append((dict(self.headers), body, time.time()))
                receiver.answering.wait()
                with contextlib.suppress(OSError):
                    self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
                    self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self):
        self.answering.set()
        self.server.shutdown()


class MailServer:
    """Takes mails as RFC 5321 says, and keeps them."""

    def __init__(self):
        self.got = []
        kept = self.got

        class Handler(socketserver.StreamRequestHandler):
            def say(self, text):
                self.wfile.write(f"{text}\r\n".encode())

            def handle(self):
                self.say("220 test ESMTP")
                envelope = {"to": []}
                for line in iter(self.rfile.readline, b""):
                    verb, text = line[:4].upper(), line.decode().strip()
                    if verb == b"RCPT":
                        envelope["to"].append(text.partition(":")[2].strip("<>"))
                    if verb == b"DATA":
                        self.say("354 go on")
                        lines = list(iter(self.rfile.readline, b".\r\n"))
                        kept.append((envelope, email.message_from_bytes(b"".join(lines), policy=email.policy.default)))
                    self.say("221 bye" if verb == b"QUIT" else "250 ok")
                    if verb == b"QUIT":
                        return

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", free_port()), Handler)
        self.server.daemon_threads = True
        self.url = f"smtp://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self):
        self.server.shutdown()


@pytest.fixture
def receive(started):
    def start(*statuses):
        started.append(Receiver(statuses))
        return started[-1]

    return start


@pytest.fixture
def mail_server(started):
    started.append(MailServer())
    return started[-1]


def webhook(weir, url, name="ops"):
    """Returns (id, secret)."""
    made = weir.mutate("createNoticeTarget", "noticeTarget { id } secret", name=name, kind="WEBHOOK", destination=url)
    return made["noticeTarget"]["id"], made["secret"]


def target(weir, target_id):
    nodes = weir.graphql(TARGETS, o=weir.org())["organization"]["noticeTargets"]["nodes"]
    return next(node for node in nodes if node["id"] == target_id)


def delivered(weir, target_id):
    def settled():
        found = target(weir, target_id)
        return found["deliveredAt"] and found["waiting"] == 0 and found

    return eventually(settled, "the target has everything")


def cross(weir, name="b"):
    """A soft budget that the next request exceeds; returns its id and what was spent."""
    fields = {"name": name, "scope": "ORG", "limit": "0.000000000001", "enforcement": "SOFT", "thresholds": [100]}
    made = weir.mutate("createBudget", "budget { id }", **fields)["budget"]["id"]
    answer = weir.chat(ANSWER, max_tokens=400)
    assert answer.status_code == 200, answer.text
    return made, json.loads(answer.text, parse_float=Decimal)["usage"]["cost"]


def verify(secret, headers, body):
    """As a receiver does by the Standard Webhooks specification."""
    headers = {name.lower(): value for name, value in headers.items()}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 120
    return headers["webhook-id"]


def kill_control_plane(weir):
    weir.kill() if weir.shape == "run" else weir.cluster.controls[0].kill()


def refusal(call):
    with pytest.raises(GraphQLError) as refused:
        call()
    return refused.value.code, refused.value.field


def test_a_webhook_gets_a_threshold_once_signed_and_to_the_digit(start_weir, receive):
    weir, receiver = start_weir(**OPEN), receive()
    target_id, secret = webhook(weir, receiver.url)
    assert secret.startswith("whsec_") and secret not in json.dumps(target(weir, target_id))
    tested = weir.mutate("testNoticeTarget", "ok message", id=target_id)
    assert tested == {"ok": True, "message": "the test message has arrived"}
    assert json.loads(receiver.got[0][1])["type"] == "test"
    verify(secret, *receiver.got[0][:2])
    budget, spent = cross(weir, "Sürge")
    eventually(lambda: len(receiver.got) == 2, "the notice")
    headers, body, _ = receiver.got[1]
    told = json.loads(body)
    window = time.strftime("%Y-%m", time.gmtime())
    assert verify(secret, headers, body) == told["id"] == f"{budget}_{window}_100"
    assert (told["type"], told["percent"], told["window"], told["limit"]) == (
        "budget.threshold", 100, window, "0.000000000001",
    )
    assert Decimal(told["spent"]) == spent
    assert told["budget"] == {"id": budget, "name": "Sürge", "scope": "org", "scope_id": None}
    assert told["organization"]["id"] == weir.org()
    assert delivered(weir, target_id)["failures"] == 0
    # More spend, and a restart: it was told once.
    assert weir.chat(ANSWER, max_tokens=400).status_code == 200
    weir.settled_events(2)
    kill_control_plane(weir)
    weir.start()
    cross(weir, "another")
    eventually(lambda: len(receiver.got) == 3, "the notice of another budget")
    assert json.loads(receiver.got[2][1])["budget"]["name"] == "another"
    weir.mutate("deleteNoticeTarget", "id", id=target_id)
    assert weir.graphql(TARGETS, o=weir.org())["organization"]["noticeTargets"]["nodes"] == []


def test_a_receiver_that_fails_twice_gets_it_later_and_is_shown_failing_meanwhile(start_weir, receive):
    weir, receiver = start_weir(**OPEN), receive(500, 302)
    target_id, _ = webhook(weir, receiver.url)
    cross(weir)
    failing = eventually(lambda: (t := target(weir, target_id))["failures"] == 2 and t, "two attempts have failed")
    assert failing["failingSince"] and failing["waiting"] == 1 and failing["deliveredAt"] is None
    assert failing["lastError"] == "the receiver answered with status 302"
    found = delivered(weir, target_id)
    assert (found["failures"], found["failingSince"], found["lastError"]) == (0, None, None)
    first, second, third = (moment for _, _, moment in receiver.got)
    assert second - first > 1 and third - second > 6
    assert len({headers["webhook-id"] for headers, _, _ in receiver.got}) == 1


def test_a_control_plane_killed_while_it_delivers_delivers_again_with_the_same_id(start_weir, receive):
    weir, receiver = start_weir(**OPEN), receive()
    target_id, secret = webhook(weir, receiver.url)
    receiver.answering.clear()
    cross(weir)
    eventually(lambda: receiver.got, "the receiver has it and has not answered")
    kill_control_plane(weir)
    receiver.answering.set()
    weir.start()
    delivered(weir, target_id)
    assert len({verify(secret, headers, body) for headers, body, _ in receiver.got}) == 1
    assert len(receiver.got) == 2


def test_a_notice_that_waits_survives_a_kill_and_a_test_that_arrives_brings_it_forward(start_weir, receive):
    settings = {**OPEN, "WEIR__NOTICES__RETRY_AFTER_S": "3600"}
    weir, receiver = start_weir(**settings), receive(500)
    target_id, _ = webhook(weir, receiver.url)
    cross(weir)
    eventually(lambda: target(weir, target_id)["failures"] == 1, "the first attempt has failed")
    kill_control_plane(weir)
    weir.start()
    assert target(weir, target_id)["waiting"] == 1
    assert weir.mutate("testNoticeTarget", "ok", id=target_id)["ok"]
    delivered(weir, target_id)
    kinds = [json.loads(body)["type"] for _, body, _ in receiver.got]
    assert kinds == ["budget.threshold", "test", "budget.threshold"]


def test_a_mail_says_what_was_reached_and_where_to_look(start_weir, mail_server):
    weir = start_weir(
        WEIR__SMTP__URL=mail_server.url,
        WEIR__SMTP__FROM="Weir <weir@example.com>",
        WEIR__NOTICES__ADMIN_URL="https://weir.example.com",
    )
    made = weir.mutate(
        "createNoticeTarget", "noticeTarget { id } secret", name="finance", kind="EMAIL", destination="fin@example.com"
    )
    assert made["secret"] is None
    assert weir.mutate("testNoticeTarget", "ok", id=made["noticeTarget"]["id"])["ok"]
    budget, spent = cross(weir, "Überlauf")
    eventually(lambda: len(mail_server.got) == 2, "the mail")
    envelope, mail = mail_server.got[1]
    assert envelope["to"] == ["fin@example.com"] and mail["From"] == "Weir <weir@example.com>"
    assert "budget Überlauf has reached 100 %" in mail["Subject"]
    assert mail["Message-ID"].startswith(f"<{budget}_") and mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content()
    for part in ("The budget Überlauf of", "0.000000000001 USD", "https://weir.example.com"):
        assert part in text, text
    line = next(line for line in text.splitlines() if line.startswith("Spent:"))
    assert Decimal(line.split()[1]) == spent
    delivered(weir, made["noticeTarget"]["id"])


def test_what_is_not_public_is_refused_unless_the_operator_allows_it(weir, receive):
    receiver = receive()
    port = receiver.server.server_port
    destination = ("BAD_USER_INPUT", "destination")
    for url in (
        receiver.url,
        f"https://127.0.0.1:{port}/",
        "https://[::ffff:169.254.169.254]/latest/meta-data",
        "https://2130706433/",
        "https://ada:secret@example.com/",
        "https://",
        "nonsense",
    ):
        assert refusal(lambda: webhook(weir, url)) == destination, url
    # Whatever a name resolves to is judged when it is connected to.
    target_id, _ = webhook(weir, f"https://localhost:{port}/")
    tested = weir.mutate("testNoticeTarget", "ok message", id=target_id)
    assert tested == {"ok": False, "message": "localhost has no public address"}
    assert target(weir, target_id)["lastError"] == tested["message"] and not receiver.got
    mail = {"name": "m", "kind": "EMAIL", "destination": "fin@example.com"}
    assert refusal(lambda: weir.mutate("createNoticeTarget", "secret", **mail)) == destination
    made = [target_id, *(webhook(weir, "https://example.com/", f"t{n}")[0] for n in range(19))]
    assert refusal(lambda: webhook(weir, "https://example.com/", "one too many"))[0] == "CONFLICT"
    for target_id in made:
        weir.mutate("deleteNoticeTarget", "id", id=target_id)
    query = "query($o: ID!) { organization(id: $o) { auditLog(first: 60) { nodes { action detail } } } }"
    log = weir.graphql(query, o=weir.org())["organization"]["auditLog"]["nodes"]
    actions = [entry["action"] for entry in log]
    assert [actions.count(f"{verb}_notice_target") for verb in ("create", "test", "delete")] == [20, 1, 20]
