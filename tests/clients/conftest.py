import pytest

from stack import Sandbox, Weir


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    running = Sandbox(tmp_path_factory.mktemp("sandbox"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def weir(tmp_path_factory, sandbox):
    """One Weir for all tests that leave it usable; each test works with keys of its own."""
    running = Weir(tmp_path_factory.mktemp("weir"), sandbox)
    yield running
    assert running.stop() == 0, running.log()[-4000:]


@pytest.fixture
def own_weir(tmp_path, sandbox):
    """A Weir that one test may kill or fill."""
    running = Weir(tmp_path, sandbox)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def no_leftover_knobs(sandbox):
    yield
    sandbox.clear_knobs()
