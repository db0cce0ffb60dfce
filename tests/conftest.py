"""Tests repeat: a check without a seed draws the same one at every run of a test.

Fresh entropy is for users, whose misses must not be permanent; a test that fails once in a thousand
runs tells nobody anything. Campaigns over many seeds live where they are named as such.
"""

import zlib

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _fixed_entropy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Derive what would be fresh seeds from the name of the test."""
    stream = np.random.default_rng(zlib.crc32(request.node.nodeid.encode()))
    monkeypatch.setattr("secrets.randbits", lambda bits: int(stream.integers(2**bits)))
