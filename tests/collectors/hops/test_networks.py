"""Networks that misbehave in one way each are told for what they are, and for nothing else."""

import asyncio

import pytest

from analysis.path.locate import locate, verdict
from analysis.path.view import PathView
from tests.lab.bed import Bed, can_make_namespaces
from tests.lab.network import End, Router
from tests.lab.path import add_network
from tests.lab.tracing import Plan, hop_path, trace_all

pytestmark = pytest.mark.netns


def row(n: int = 6, v6: bool = False, **at: Router) -> tuple[Router, ...]:
    """`n` routers, some of them replaced: `row(6, hop3=Router(…))`."""
    plain = [Router(f"fd99:{i}::1" if v6 else f"10.99.{i}.1", delay_ms=i) for i in range(1, n + 1)]
    for name, router in at.items():
        plain[int(name.removeprefix("hop")) - 1] = router
    return tuple(plain)


def end(*routers: Router, **fields: object) -> End:
    return End(routers, **({"delay_ms": 8.0} | fields))  # type: ignore[arg-type]


MEMBERS = {"address": "10.99.3.1", "members": ("10.99.3.2", "10.99.3.3", "10.99.3.4"), "delay_ms": 3}
EVERYONE = {"10.99.3.1", "10.99.3.2", "10.99.3.3", "10.99.3.4"}
TARGETS = {
    "10.210.0.1": end(*row()),
    "10.210.0.2": end(*row(hop4=Router("10.99.4.1", delay_ms=4, loss=0.4))),
    "10.210.0.3": end(*row(hop3=Router("10.99.3.1", delay_ms=3, limit=0.4))),
    "10.210.0.4": end(*row(hop3=Router("10.99.3.1", limit=0.2), hop5=Router("10.99.5.1", loss=0.5))),
    "10.210.0.5": end(*row(hop2=Router("10.99.2.1", silent=True), hop5=Router("10.99.5.1", silent=True))),
    "10.210.0.6": end(*row(), loss=0.5),
    "10.210.0.7": end(*row(hop1=Router("10.99.1.1", loss=0.3))),
    "10.210.0.8": end(*row(), silent=True, udp=False),
    "10.210.0.9": end(*row(hop3=Router(**MEMBERS, lossy=("10.99.3.2", 0.6)))),
    "10.210.0.10": end(*row(hop3=Router(**MEMBERS))),
    "10.210.0.11": end(*row(hop3=Router(**MEMBERS, spread="packet"))),
    "10.210.0.12": end(*row(hop3=Router("10.99.3.1", tos=0))),
    "10.210.0.13": end(*row(4), *(Router(f"10.99.{i}.1", back_hops=5) for i in (5, 6)), back_hops=5),
    "10.210.0.14": end(*row(hop3=Router("10.99.3.1", rewrites=True))),
    "10.210.0.15": end(*row(3), *(Router("198.51.100.1", delay_ms=4) for _ in range(2))),
    "10.210.0.16": end(
        *row(),
        other=row(4, hop3=Router("10.98.3.1", delay_ms=3), hop4=Router("10.98.4.1", delay_ms=4)),
        flap_rounds=25,
    ),
    "10.210.0.17": end(*row(hop2=Router("10.99.2.1", mtu=1500), hop4=Router("10.99.4.1", mtu=1420))),
    "10.210.0.18": end(*row(hop3=Router("10.99.3.1", mtu=1400, tells_mtu=False))),
    "10.210.0.19": end(*row(hop3=Router("10.99.3.1", mtu=1500, says_mtu=1400))),
    "10.210.0.20": end(*row(hop3=Router("10.99.3.1", labels=(24001, 16)))),
    "10.210.0.21": end(*row(hop3=Router("10.99.3.1", quote=28))),
    "10.210.0.22": end(*row(), limit=0.4),
    "fd00:210::1": end(*row(v6=True)),
    "fd00:210::2": end(*row(v6=True, hop4=Router("fd99:4::1", loss=0.4))),
    "fd00:210::3": end(*row(v6=True, hop3=Router("fd99:3::1", tos=0))),
    "fd00:210::4": end(*row(v6=True, hop3=Router("fd99:3::1", mtu=1480))),
}


UDP: dict[str, object] = {"protocol": "udp", "port": 33434}
TCP: dict[str, object] = {"protocol": "tcp", "port": 443}
ROCE: dict[str, object] = {"protocol": "udp", "port": 4791, "dscp": 26}
# Ports are named below those that are drawn: the hash that chooses members must see the same in every run.
PLANS = {
    "healthy icmp": Plan(hop_path("10.210.0.1"), 15, mtu=True),
    "healthy udp": Plan(hop_path("10.210.0.1", **UDP), 15),
    "healthy tcp": Plan(hop_path("10.210.0.1", **TCP), 15),
    "healthy icmp6": Plan(hop_path("fd00:210::1"), 15),
    "healthy udp6": Plan(hop_path("fd00:210::1", **UDP), 15),
    "healthy tcp6": Plan(hop_path("fd00:210::1", **TCP), 15),
    "loss": Plan(hop_path("10.210.0.2"), 50),
    "loss6": Plan(hop_path("fd00:210::2"), 50),
    "limited": Plan(hop_path("10.210.0.3"), 50),
    "limited, then loss": Plan(hop_path("10.210.0.4"), 70),
    "silent hops": Plan(hop_path("10.210.0.5"), 15),
    "lossy target": Plan(hop_path("10.210.0.6"), 50),
    "lossy link": Plan(hop_path("10.210.0.7"), 60),
    "silent target": Plan(hop_path("10.210.0.8"), 15),
    "lossy member": Plan(hop_path("10.210.0.9", flows=16, source_port=20_000, **TCP), 40),
    "members": Plan(hop_path("10.210.0.10", flows=16, source_port=20_100, **TCP), 32),
    "by packet": Plan(hop_path("10.210.0.11"), 60),
    "bleached": Plan(hop_path("10.210.0.12", dscp=26), 8),
    "bleached6": Plan(hop_path("fd00:210::3", **ROCE), 8),
    "another way back": Plan(hop_path("10.210.0.13"), 8),
    "rewriting nat": Plan(hop_path("10.210.0.14", **UDP), 8),
    "hiding nat": Plan(hop_path("10.210.0.15"), 8),
    "flapping": Plan(hop_path("10.210.0.16"), 60),
    "told mtu": Plan(hop_path("10.210.0.17"), 12, mtu=True),
    "black hole": Plan(hop_path("10.210.0.18"), 12, mtu=True),
    "wrong mtu": Plan(hop_path("10.210.0.19"), 12, mtu=True),
    "told mtu6": Plan(hop_path("fd00:210::4"), 12, mtu=True),
    "mpls": Plan(hop_path("10.210.0.20"), 3),
    "short quotes icmp": Plan(hop_path("10.210.0.21"), 3),
    "short quotes udp": Plan(hop_path("10.210.0.21", **UDP), 3),
    "short quotes tcp": Plan(hop_path("10.210.0.21", **TCP), 3),
    "limited target": Plan(hop_path("10.210.0.22", **UDP), 50),
}
Seen = dict[str, PathView]


@pytest.fixture(scope="module")
def seen() -> Seen:
    """Every network, traced at one time."""
    if not can_make_namespaces():
        pytest.skip("network namespaces need root, ip(8) and /dev/net/tun")
    bed = Bed()
    try:
        namespace = bed.namespace()
        add_network(bed, namespace, TARGETS)
        views, _samples = asyncio.run(trace_all(namespace, list(PLANS.values()), pps=1600))
    finally:
        bed.close()
    return {name: views[plan.path.id] for name, plan in PLANS.items()}


def losses(view: PathView) -> list[str]:
    return [one.loss for one in view.hops]


def codes(view: PathView) -> set[str]:
    """What is hinted at, except for where the time is spent: that is the machine's business, not the script's."""
    return {hint.code for hint in view.hints} - {"latency"}


def assert_nothing_told(view: PathView) -> None:
    assert view.start is None
    assert view.member is None
    assert view.changes == ()
    assert codes(view) == set()


@pytest.mark.parametrize("name", [name for name in PLANS if name.startswith("healthy")])
def test_a_healthy_path_is_seen_whole_by_every_protocol_and_nothing_is_told_of_it(seen: Seen, name: str) -> None:
    view = seen[name]
    routers = [router.address for router in TARGETS[view.path.address].routers]
    assert [one.routers[0].address for one in view.hops] == [*routers, view.path.address]
    assert view.reached
    assert set(losses(view)) == {"none"}
    assert_nothing_told(view)
    assert verdict(view)[0] == "ok"


@pytest.mark.parametrize("name", ["loss", "loss6"])
def test_loss_that_reaches_the_target_is_told_where_it_starts(seen: Seen, name: str) -> None:
    view = seen[name]
    assert view.start is not None
    assert view.start.after < 4 <= view.start.by
    assert view.start.by <= 5
    assert losses(view)[:2] == ["none", "none"]
    assert losses(view)[-2:] == ["real", "real"]
    sentence = str(locate(view, {"10.99.4.1": "CN2", "fd99:4::1": "CN2"}))
    assert sentence.startswith("Loss")
    assert f"hop {view.start.by}" in sentence


def test_a_router_that_limits_its_answers_is_not_called_lossy(seen: Seen) -> None:
    view = seen["limited"]
    assert losses(view) == ["none", "none", "limited", "none", "none", "none", "none"]
    assert_nothing_told(view)
    assert locate(view) is None


def test_real_loss_is_told_apart_from_a_limit_before_it(seen: Seen) -> None:
    view = seen["limited, then loss"]
    assert losses(view)[2] == "limited"
    assert view.start is not None
    assert view.start.after in (2, 4)
    assert view.start.by in (5, 6)


def test_silent_hops_are_silent_not_lossy(seen: Seen) -> None:
    view = seen["silent hops"]
    assert losses(view) == ["none", "silent", "none", "none", "silent", "none", "none"]
    assert_nothing_told(view)


def test_loss_at_the_target_itself_is_told_as_that(seen: Seen) -> None:
    view = seen["lossy target"]
    assert view.start is not None
    assert (view.start.after, view.start.by) == (6, 7)
    assert "the target itself" in str(locate(view))


def test_loss_from_the_first_hop_on_points_at_this_box(seen: Seen) -> None:
    view = seen["lossy link"]
    assert view.start is not None
    assert (view.start.after, view.start.by) == (0, 1)


def test_a_target_that_does_not_answer_leaves_its_hops_and_accuses_nobody(seen: Seen) -> None:
    view = seen["silent target"]
    assert len(view.hops) == 6
    assert not view.reached
    assert view.start is None
    assert verdict(view)[0] == "unknown"


def test_the_member_whose_flows_lose_is_told(seen: Seen) -> None:
    view = seen["lossy member"]
    assert {router.address for router in view.hops[2].routers} == EVERYONE
    assert view.hops[2].spread == "flow"
    assert view.member is not None
    assert (view.member.ttl, view.member.address) == (3, "10.99.3.2")
    assert view.member.others.lost == 0
    assert "10.99.3.2" in str(locate(view))


def test_members_that_lose_nothing_are_only_shown(seen: Seen) -> None:
    view = seen["members"]
    assert {router.address for router in view.hops[2].routers} == EVERYONE
    assert view.hops[2].spread == "flow"
    assert [one.spread for one in view.hops if one.ttl != 3] == [None] * 6
    assert_nothing_told(view)


def test_spreading_by_packet_is_not_a_path_that_changes(seen: Seen) -> None:
    view = seen["by packet"]
    assert view.hops[2].spread == "packet"
    assert_nothing_told(view)


@pytest.mark.parametrize("name", ["bleached", "bleached6"])
def test_the_hop_that_bleaches_the_class_is_told(seen: Seen, name: str) -> None:
    view = seen[name]
    (hint,) = (hint for hint in view.hints if hint.code == "bleached")
    assert hint.ttl == 4
    assert [one.quoted_dscp for one in view.hops[:5]] == [26, 26, 26, 0, 0]


def test_another_way_back_is_told_from_the_hop_it_begins_at(seen: Seen) -> None:
    view = seen["another way back"]
    assert codes(view) == {"asymmetric"}
    assert view.hints[0].ttl == 5


@pytest.mark.parametrize("name", ["rewriting nat", "hiding nat"])
def test_a_nat_is_told_by_what_it_rewrites_or_hides(seen: Seen, name: str) -> None:
    view = seen[name]
    assert codes(view) == {"nat"}
    assert view.hints[0].ttl == 4


def test_a_route_that_flaps_is_told_and_its_epochs_are_not_mixed(seen: Seen) -> None:
    view = seen["flapping"]
    assert view.changes
    assert view.start is None
    assert [one.spread for one in view.hops] == [None] * len(view.hops)
    assert len({router.address for one in view.hops for router in one.routers}) == len(view.hops)


MTUS = [
    ("healthy icmp", 9216, None, None, set[str]()),
    ("told mtu", 1420, "10.99.4.1", None, set[str]()),
    ("black hole", 1400, None, 3, {"black-hole"}),
    ("wrong mtu", 1500, "10.99.3.1", None, {"mtu"}),
    ("told mtu6", 1480, "fd99:3::1", None, set[str]()),
]


@pytest.mark.parametrize(("name", "mtu", "said_by", "after_ttl", "told"), MTUS)
def test_the_path_mtu_is_found_and_black_holes_are_told(
    seen: Seen, name: str, mtu: int, said_by: str | None, after_ttl: int | None, told: set[str]
) -> None:
    view = seen[name]
    found = view.mtu
    assert found is not None
    assert (found.mtu, found.said_by, found.black_hole) == (mtu, said_by, "black-hole" in told)
    assert found.refused in (None, mtu + 1)
    assert set(losses(view)) == {"none"}, "what does not fit is not loss"
    assert codes(view) == told
    assert found.after_ttl == after_ttl


def test_mpls_labels_are_shown(seen: Seen) -> None:
    assert seen["mpls"].hops[2].labels == (24001, 16)


@pytest.mark.parametrize("name", [name for name in PLANS if name.startswith("short quotes")])
def test_a_router_that_quotes_as_little_as_it_may_is_understood(seen: Seen, name: str) -> None:
    assert seen[name].hops[2].routers[0].address == "10.99.3.1"
    assert_nothing_told(seen[name])


def test_a_host_that_limits_its_refusals_is_not_called_lossy(seen: Seen) -> None:
    view = seen["limited target"]
    assert view.hops[-1].window.lost > 10
    assert view.start is None
    assert verdict(view)[0] in ("ok", "notice")
