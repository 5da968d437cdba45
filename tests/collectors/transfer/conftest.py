"""Two boxes with a narrow line between them; at the far one waits a server of bandwidth tests."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.collectors.namespaces import Namespace
from tests.lab.bed import Bed, can_make_namespaces

PORT = 5209
NEAR, FAR, BEYOND = "10.199.0.1", "10.199.0.2", "10.198.0.1"
"""Both ends of the cable, and an address behind the far one that only the default route leads to."""
FAR6 = "fd99::2"
UP_BPS, DOWN_BPS = 20_000_000, 40_000_000


class Line(NamedTuple):
    near: Namespace
    far: Namespace
    bed: Bed

    def drop(self, where: Namespace, rule: str) -> None:
        """Drop what a rule of nft matches on its way in; `mend` ends that."""
        self.bed.run(
            where.name,
            "nft",
            "add table inet lp; add chain inet lp in { type filter hook input priority 0; };"
            f" add rule inet lp in {rule} drop",
        )

    def mend(self) -> None:
        for end in (self.near, self.far):
            self.bed.run(end.name, "nft", "add table inet lp; delete table inet lp")


@pytest.fixture(scope="session")
def standing_line() -> Iterator[Line]:
    if not can_make_namespaces():
        pytest.skip("network namespaces need root, ip(8) and /dev/net/tun")
    bed = Bed()
    try:
        near, far = Namespace(bed.namespace()), Namespace(bed.namespace())
        bed.veth((near.name, "wan0", f"{NEAR}/24"), (far.name, "lan0", f"{FAR}/24"))
        near.ip("addr add fd99::1/64 dev wan0 nodad", f"route add default via {FAR}")
        far.ip(f"addr add {FAR6}/64 dev lan0 nodad", f"addr add {BEYOND}/32 dev lo")
        near.tc(f"qdisc add dev wan0 root tbf rate {UP_BPS} burst 16k limit 200k")
        far.tc(f"qdisc add dev lan0 root tbf rate {DOWN_BPS} burst 16k limit 200k")
        bed.start(far.name, "tests.lab.bandwidth_end", str(PORT))
        yield Line(near, far, bed)
    finally:
        bed.close()


@pytest.fixture
def line(standing_line: Line) -> Iterator[Line]:
    yield standing_line
    standing_line.mend()


@pytest.fixture(scope="session")
def alone() -> Iterator[Namespace]:
    """A namespace with nothing but its loopback."""
    if not can_make_namespaces():
        pytest.skip("network namespaces need root, ip(8) and /dev/net/tun")
    bed = Bed()
    try:
        yield Namespace(bed.namespace())
    finally:
        bed.close()
