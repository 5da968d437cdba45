"""Fixtures that any test may use."""

from collections.abc import Iterator

import pytest

from tests.lab.bed import Bed, can_make_namespaces


@pytest.fixture
def bed() -> Iterator[Bed]:
    """An empty test bed; what is put into it is removed after the test."""
    if not can_make_namespaces():
        pytest.skip("network namespaces need root, ip(8) and /dev/net/tun")
    bed = Bed()
    try:
        yield bed
    finally:
        bed.close()
