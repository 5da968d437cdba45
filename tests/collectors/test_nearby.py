"""Whether an address is behind a default route, as a real kernel sees it."""

import pytest

from collectors.nearby import is_nearby
from tests.lab.bed import Bed, can_make_namespaces, inside

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(not can_make_namespaces(), reason="network namespaces need root, ip(8) and /dev/net/tun"),
]


@pytest.fixture(scope="module")
def namespace() -> str:
    bed = Bed()
    name = bed.namespace()
    bed.ip(name, "link add a0 type veth peer name a1")
    for command in (
        "link set a1 up",
        "addr add 10.9.0.1/16 dev a0",
        "addr add fd09::1/64 dev a0 nodad",
        "link set a0 up",
    ):
        bed.ip(name, command)
    bed.ip(name, "route add default via 10.9.0.2")
    bed.ip(name, "route add 172.30.0.0/16 via 10.9.0.3")
    bed.ip(name, "-6 route add default via fd09::2")
    yield name
    bed.close()


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("10.9.7.7", True),
        ("172.30.1.1", True),
        ("10.9.0.1", True),
        ("203.0.113.9", False),
        ("fd09::77", True),
        ("2001:db8::9", False),
    ],
)
def test_only_what_a_default_route_leads_to_is_far(namespace: str, address: str, near: bool) -> None:
    with inside(namespace):
        assert is_nearby(address) is near


def test_where_there_is_no_way_at_all_nothing_is_near() -> None:
    bed = Bed()
    try:
        with inside(bed.namespace()):
            assert not is_nearby("203.0.113.9")
            assert not is_nearby("2001:db8::9")
    finally:
        bed.close()


def test_what_a_tunnel_takes_by_two_halves_is_no_nearer() -> None:
    bed = Bed()
    try:
        name = bed.namespace()
        for command in (
            "link add a0 type veth peer name a1",
            "link set a1 up",
            "addr add 10.9.0.1/16 dev a0",
            "link set a0 up",
            "route add 0.0.0.0/1 via 10.9.0.2",
            "route add 128.0.0.0/1 via 10.9.0.2",
        ):
            bed.ip(name, command)
        with inside(name):
            assert [is_nearby(address) for address in ("10.9.7.7", "8.8.8.8", "203.0.113.9")] == [True, False, False]
    finally:
        bed.close()
