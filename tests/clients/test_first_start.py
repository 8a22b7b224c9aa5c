"""What a start makes of its environment: real providers or simulated ones, and files nobody else may read."""

import os
import stat
import subprocess

from stack import WEIR, Weir, clean_env


def test_a_credential_in_the_environment_connects_that_provider_and_no_simulated_one(tmp_path, sandbox):
    """The "real" provider is the sandbox too, reached as a stranger would: by base URL and key."""
    weir = Weir(tmp_path, sandbox, OPENAI_API_KEY="secret-of-openai-1234", OPENAI_BASE_URL=f"{sandbox.url}/openai/v1/")
    assert weir.quickstart["sandbox"] is None
    answer = weir.chat("hi")
    assert answer.status_code == 200 and answer.json()["provider"] == "OpenAI"
    [received] = sandbox.received("req_" + answer.json()["id"].rsplit("-", 1)[1] + ".1")["requests"]
    assert received["headers"]["authorization"].endswith("1234")
    missing = weir.chat("hi", model="anthropic/claude-haiku-4.5")
    assert missing.status_code == 404 and "credential" in missing.json()["error"]["message"]
    assert weir.stop() == 0

    # A credential that is lost must not make simulated answers of real ones: the next start says so and ends.
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        del weir.env[name]
    refused = subprocess.run([WEIR, "run"], env=weir.env, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1 and "WEIR__SANDBOX__ENABLED=on" in refused.stderr
    weir.env["WEIR__SANDBOX__ENABLED"] = "on"
    weir.start()
    assert weir.quickstart["sandbox"] == sandbox.url
    assert weir.chat("hi", model="anthropic/claude-haiku-4.5").status_code == 200
    assert "secret-of-openai" not in weir.log()
    assert weir.stop() == 0
    for file in weir.data_dir.rglob("*"):
        assert file.is_dir() or b"secret-of-openai" not in file.read_bytes(), file


def test_what_holds_secrets_is_readable_by_its_owner_alone(weir):
    directories, files = weir.private()
    for directory in directories:
        assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700, directory
    for file in files:
        assert stat.S_IMODE(os.stat(file).st_mode) == 0o600, file


def test_a_wrong_setting_is_a_sentence_and_not_a_stack_trace(tmp_path, sandbox):
    for setting, value, says in [
        ("WEIR__ADMIN__LISTEN", "0.0.0.0:0", "loopback"),
        ("WEIR__NO_SUCH", "1", "no_such"),
        ("WEIR__DATA__BODY_LIMIT_BYTES", "many", "body_limit_bytes"),
    ]:
        env = clean_env(WEIR__DATA_DIR=str(tmp_path / "data"), **{setting: value})
        ended = subprocess.run([WEIR, "run"], env=env, capture_output=True, text=True, timeout=60)
        assert ended.returncode == 1 and ended.stderr.startswith("weir: "), ended.stderr
        assert says in ended.stderr and "panicked" not in ended.stderr, ended.stderr
