"""Fixtures that any test may use."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.lab.bed import Bed, can_make_namespaces

# A machine that is busy with something else fails no test, and the same tests have the same inputs everywhere;
# --hypothesis-profile=default looks for new ones.
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


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
