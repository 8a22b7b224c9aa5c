"""What the documents name exists."""

import re

import pytest

from launch import ROOT

SOURCES = [*ROOT.glob("tests/clients/*.py"), *ROOT.glob("crates/**/*.rs"), *ROOT.glob("tests/it/*.rs")]


@pytest.mark.parametrize("document", ["docs/pains.md"])
def test_every_test_that_a_document_names_exists(document):
    named = set(re.findall(r"`([a-z0-9_]{20,})`", (ROOT / document).read_text()))
    known = {name for path in SOURCES for name in re.findall(r"\b(?:def|fn) (\w+)\(", path.read_text())}
    assert named and not named - known
