"""The same judgements against Linux's own routers: limits, spreading, bleaching and MTU as a kernel does them."""

import asyncio
import shutil

import pytest

from analysis.path.locate import verdict
from analysis.path.view import PathView
from tests.lab.bed import Bed, can_make_namespaces
from tests.lab.tracing import Plan, hop_path, trace_all

pytestmark = pytest.mark.netns

TARGET = "10.221.6.2"
RULES = """table inet lab {
  chain forward { type filter hook forward priority 0;
    %s
  }
}"""
LOSSY = "ip daddr 10.221.6.2 tcp dport 443 numgen random mod 100 < 40 drop"
BLEACHING = 'iifname "west" ip dscp set cs0'


def build(bed: Bed) -> str:
    """box - one - two - (upper | lower) - four - target; `lower` loses, `two` bleaches and spreads by flow.

    Return the box's namespace. Router `one` limits its answers as Linux does by default, the others do not.
    """
    box, one, two, upper, lower, four, target = everyone = [bed.namespace() for _ in range(7)]
    links = [
        (box, one, 1),
        (one, two, 2),
        (two, upper, 3),
        (two, lower, 4),
        (upper, four, 5),
        (lower, four, 7),
        (four, target, 6),
    ]
    for left, right, n in links:
        name = {3: "up", 4: "low", 5: "up", 7: "low"}.get(n, "")
        bed.veth(
            (left, f"{name}east", f"10.221.{n}.1/24"),
            (right, f"{name if right == four else ''}west", f"10.221.{n}.2/24"),
        )
    for namespace in everyone[1:6]:
        bed.sysctl(namespace, "net.ipv4.ip_forward", "1")
        bed.sysctl(namespace, "net.ipv4.conf.all.rp_filter", "0")
        bed.sysctl(namespace, "net.ipv4.conf.default.rp_filter", "0")
        bed.sysctl(namespace, "net.ipv4.fib_multipath_hash_policy", "1")
        if namespace != one:
            bed.sysctl(namespace, "net.ipv4.icmp_ratelimit", "0")
            bed.sysctl(namespace, "net.ipv4.icmp_msgs_per_sec", "100000")
            bed.sysctl(namespace, "net.ipv4.icmp_msgs_burst", "100000")
    bed.ip(box, "route add default via 10.221.1.2")
    bed.ip(one, "route add default via 10.221.2.2")
    bed.ip(two, "route add 10.221.1.0/24 via 10.221.2.1")
    bed.ip(two, "route add default nexthop via 10.221.3.2 dev upeast nexthop via 10.221.4.2 dev loweast")
    for namespace, back, on in ((upper, "10.221.3.1", "10.221.5.2"), (lower, "10.221.4.1", "10.221.7.2")):
        bed.ip(namespace, f"route add 10.221.1.0/24 via {back}")
        bed.ip(namespace, f"route add default via {on}")
    bed.ip(four, "route add default via 10.221.5.1")
    bed.ip(four, "link set east mtu 1400")
    bed.ip(target, "route add default via 10.221.6.1")
    for namespace, rule in ((lower, LOSSY), (two, BLEACHING)):
        bed.run(namespace, "nft", RULES % rule)
    return box


@pytest.fixture(scope="module")
def seen() -> dict[str, PathView]:
    if not can_make_namespaces() or shutil.which("nft") is None:
        pytest.skip("a lab of Linux routers needs root, ip(8), /dev/net/tun and nft(8)")
    bed = Bed()
    try:
        box = build(bed)
        plans = {
            "icmp": Plan(hop_path(TARGET, dscp=26), 60, mtu=True),
            "tcp": Plan(hop_path(TARGET, protocol="tcp", port=443, flows=16), 60),
            "tcp clean": Plan(hop_path(TARGET, protocol="tcp", port=80, flows=16), 40),
        }
        views, _samples = asyncio.run(trace_all(box, list(plans.values()), pps=1500))
    finally:
        bed.close()
    return {name: views[plan.path.id] for name, plan in plans.items()}


def test_the_routers_are_seen_in_their_order(seen: dict[str, PathView]) -> None:
    hops = [{router.address for router in row.routers} for row in seen["tcp clean"].hops]
    assert hops[:2] == [{"10.221.1.2"}, {"10.221.2.2"}]
    assert hops[2] == {"10.221.3.2", "10.221.4.2"}
    assert hops[3] <= {"10.221.5.2", "10.221.7.2"}
    assert hops[4] == {TARGET}


def test_linuxs_own_limit_is_not_loss(seen: dict[str, PathView]) -> None:
    view = seen["icmp"]
    assert view.hops[0].loss == "limited"
    assert [row.loss for row in view.hops[1:]] == ["none"] * 4
    assert view.start is None


def test_the_lossy_one_of_two_parallel_routers_is_told(seen: dict[str, PathView]) -> None:
    member = seen["tcp"].member
    assert member is not None
    assert (member.ttl, member.address) == (3, "10.221.4.2")
    assert verdict(seen["tcp"])[0] == "bad"


def test_the_same_routers_without_loss_are_not_accused(seen: dict[str, PathView]) -> None:
    view = seen["tcp clean"]
    assert view.member is None
    assert view.start is None
    assert view.hops[2].spread == "flow"
    assert view.changes == ()


def test_the_hop_behind_the_bleaching_router_is_told(seen: dict[str, PathView]) -> None:
    hints = {hint.code: hint for hint in seen["icmp"].hints if hint.code != "latency"}
    assert hints.keys() == {"bleached"}
    assert hints["bleached"].ttl == 3


def test_the_kernels_word_on_the_mtu_is_proven(seen: dict[str, PathView]) -> None:
    mtu = seen["icmp"].mtu
    assert mtu is not None
    assert (mtu.mtu, mtu.refused, mtu.local_mtu, mtu.black_hole) == (1400, 1401, 1500, False)
    assert mtu.said_mtu == 1400
