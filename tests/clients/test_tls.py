"""TLS on Weir's own listeners: what serves over TLS serves nothing without, and a replaced certificate needs no restart."""

import subprocess

import httpx
import pytest

from stack import Weir


@pytest.fixture
def authority(tmp_path):
    """A private authority, and a certificate of it for this machine."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *curve, "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.crt")
    openssl("req", *curve, "-subj", "/CN=weir", "-keyout", "weir.key", "-out", "weir.csr")
    (tmp_path / "names").write_text("subjectAltName=IP:127.0.0.1")
    openssl("x509", "-req", "-in", "weir.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-days", "2", "-extfile", "names", "-out", "weir.crt")
    return tmp_path


def test_data_and_admin_listeners_serve_over_tls_and_not_without(tmp_path, sandbox, authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.crt"))
    tls = {"CERT_FILE": str(authority / "weir.crt"), "KEY_FILE": str(authority / "weir.key")}
    settings = {f"WEIR__{listener}__TLS__{name}": value for listener in ("DATA", "ADMIN") for name, value in tls.items()}
    weir = Weir(tmp_path, sandbox, **settings)
    try:
        assert weir.data_url.startswith("https://") and weir.quickstart["graphql_url"].startswith("https://")
        assert weir.chat("hello").status_code == 200
        assert weir.create_team("over TLS")
        plain = weir.data_url.replace("https://", "http://")
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{plain}/v1/models")
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{weir.data_url}/v1/models")
    finally:
        assert weir.stop() == 0, weir.log()[-4000:]


def test_a_certificate_that_cannot_be_read_ends_the_start_with_a_sentence(tmp_path, sandbox):
    settings = {"WEIR__DATA__TLS__CERT_FILE": "/nowhere/weir.crt", "WEIR__DATA__TLS__KEY_FILE": "/nowhere/weir.key"}
    with pytest.raises(AssertionError, match="/nowhere/weir.crt"):
        Weir(tmp_path, sandbox, **settings)
