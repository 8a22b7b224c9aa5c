"""Every test that takes `weir`, `own_weir` or `start_weir` runs against both shapes, or the one of WEIR_SHAPE=run|cluster."""

import os
import pathlib
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cluster"))

from cluster import ClusterWeir, Servers  # noqa: E402
from meter import Meter  # noqa: E402
from stack import Sandbox, Weir  # noqa: E402

SHAPES = [os.environ["WEIR_SHAPE"]] if os.environ.get("WEIR_SHAPE") else ["run", "cluster"]


def pytest_configure():
    # Whoever ends the tests by a signal wants what they have started ended too.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("told to end", returncode=143))


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    running = Sandbox(tmp_path_factory.mktemp("sandbox"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def servers():
    """One Postgres and one Redis for all clusters; nobody stops them but at the end."""
    if "cluster" not in SHAPES:
        pytest.skip("only a cluster has servers")
    running = Servers(pathlib.Path(tempfile.mkdtemp(prefix="weir-servers-")), durable=False)
    try:
        yield running.start()
    finally:
        running.destroy()


@pytest.fixture(scope="session", params=SHAPES)
def shape(request):
    return request.param


@pytest.fixture(scope="session")
def starter(shape, sandbox, request):
    """Starts a Weir of the shape in a directory; says with what settings."""
    if shape == "run":
        return lambda directory, **settings: Weir(directory, sandbox, **settings)
    servers = request.getfixturevalue("servers")
    return lambda directory, **settings: ClusterWeir(directory, sandbox, servers, **settings)


@pytest.fixture(scope="session")
def weir(tmp_path_factory, starter):
    """One Weir for all tests that leave it usable; each test works with keys of its own."""
    running = starter(tmp_path_factory.mktemp("weir"))
    yield running
    try:
        assert running.stop() == 0, running.log()[-4000:]
    finally:
        running.end()


@pytest.fixture
def start_weir(tmp_path, starter):
    """A Weir with the settings that one test wants."""
    started = []

    def start(**settings):
        started.append(starter(tmp_path, **settings))
        return started[-1]

    yield start
    for running in started:
        running.end()


@pytest.fixture
def own_weir(start_weir):
    """A Weir that one test may kill or fill."""
    return start_weir()


@pytest.fixture
def meter(sandbox):
    """What is billed from now on."""
    return Meter(sandbox)


@pytest.fixture
def own_servers():
    """A Postgres and a Redis that one test may stop; neither runs yet."""
    if "cluster" not in SHAPES:
        pytest.skip("only a cluster has servers")
    stopped = Servers(pathlib.Path(tempfile.mkdtemp(prefix="weir-servers-")), durable=False)
    try:
        yield stopped
    finally:
        stopped.destroy()


@pytest.fixture
def started():
    """What a test adds here is killed at its end, in whatever state it is then."""
    some = []
    yield some
    for running in some:
        running.end()


@pytest.fixture(autouse=True)
def no_leftover_knobs(sandbox):
    yield
    sandbox.clear_knobs()
