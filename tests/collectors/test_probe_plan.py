"""Which series there are, for given targets, addresses and routes."""

from itertools import pairwise

from analysis.samples import Route
from analysis.settings import TargetSettings
from collectors.probe.engine import next_due_ns, phase_ns
from collectors.probe.plan import Wanted, plan, tcp_beside
from collectors.probe.stream import Binding

ETH0 = Route("r0", "home", 4, "eth0", gateway="192.0.2.1", source="192.0.2.10")
ETH1 = Route("r1", "CN2", 4, "eth1", gateway="198.51.100.1", source="198.51.100.10", mark=7)
SIX = Route("r6", "home", 6, "eth0", gateway="fe80::1")
BOTH = frozenset({4, 6})


def planned(target: TargetSettings, addresses: tuple[str, ...], *routes: Route, icmp=BOTH) -> list[Wanted]:
    return list(plan([target], {target.name or target.host: addresses}, routes, icmp))


def ways(wanted: list[Wanted]) -> list[tuple[str, str, Binding]]:
    return [(one.series.address, one.series.route, one.binding) for one in wanted]


def test_one_way_out_needs_no_binding_but_has_its_name() -> None:
    assert ways(planned(TargetSettings("x"), ("203.0.113.1",), ETH0)) == [("203.0.113.1", "r0", Binding())]


def test_every_target_is_probed_over_every_way() -> None:
    found = ways(planned(TargetSettings("x", addresses=2), ("203.0.113.1", "203.0.113.2"), ETH0, ETH1))
    first, second = Binding("eth0", "192.0.2.10"), Binding("eth1", "198.51.100.10", 7)
    assert found == [
        ("203.0.113.1", "r0", first),
        ("203.0.113.1", "r1", second),
        ("203.0.113.2", "r0", first),
        ("203.0.113.2", "r1", second),
    ]


def test_a_route_that_nothing_can_be_sent_over_is_left_out() -> None:
    standby = Route("r9", "spare", 4, "eth9", standby=True)
    assert ways(planned(TargetSettings("x"), ("203.0.113.1",), ETH0, standby)) == [("203.0.113.1", "r0", Binding())]


def test_only_the_routes_that_were_named_are_used() -> None:
    found = planned(TargetSettings("x", routes=("CN2",)), ("203.0.113.1",), ETH0, ETH1)
    assert [one.series.route for one in found] == ["r1"]
    assert planned(TargetSettings("x", routes=("gone",)), ("203.0.113.1",), ETH0) == []
    assert planned(TargetSettings("x", routes=("gone",)), ("203.0.113.1",)) == []


def test_what_the_target_asks_for_goes_before_what_the_route_has() -> None:
    target = TargetSettings("x", interface="eth1", source="198.51.100.77", mark=9)
    assert ways(planned(target, ("203.0.113.1",), ETH0, ETH1)) == [
        ("203.0.113.1", "r1", Binding("eth1", "198.51.100.77", 9))
    ]


def test_a_family_without_a_way_out_is_left_out_unless_it_is_asked_for() -> None:
    addresses = ("203.0.113.1", "2001:db8::1")
    assert [one.series.address for one in planned(TargetSettings("x"), addresses, ETH0)] == ["203.0.113.1"]
    both = planned(TargetSettings("x", family="both"), addresses, ETH0)
    assert [(one.series.address, one.series.route) for one in both] == [("203.0.113.1", "r0"), ("2001:db8::1", "")]
    assert len(planned(TargetSettings("x"), addresses, ETH0, SIX)) == 2


def test_without_any_route_the_kernel_is_still_asked_and_says_why() -> None:
    assert ways(planned(TargetSettings("x"), ("203.0.113.1",))) == [("203.0.113.1", "", Binding())]


def test_a_gateway_is_probed_over_its_own_way_only() -> None:
    target = TargetSettings("gateway")
    found = planned(target, ("192.0.2.1", "198.51.100.1", "fe80::1%eth0"), ETH0, ETH1, SIX)
    assert [(one.series.address, one.series.route, one.series.role) for one in found] == [
        ("192.0.2.1", "r0", "gateway"),
        ("198.51.100.1", "r1", "gateway"),
        ("fe80::1%eth0", "r6", "gateway"),
    ]


def test_what_no_default_route_leads_to_is_left_to_the_kernel_unless_a_way_was_asked_for() -> None:
    addresses = {"x": ("10.0.0.9", "203.0.113.1")}
    target = TargetSettings("x", addresses=2)
    first = Binding("eth0", "192.0.2.10")
    assert ways(list(plan([target], addresses, [ETH0, ETH1], BOTH, {"10.0.0.9"})))[:2] == [
        ("10.0.0.9", "", Binding()),
        ("203.0.113.1", "r0", first),
    ]
    insisted = TargetSettings("x", interface="eth0")
    assert ways(list(plan([insisted], addresses, [ETH0, ETH1], BOTH, {"10.0.0.9"})))[0] == ("10.0.0.9", "r0", first)


def test_loopback_is_on_no_route() -> None:
    assert ways(planned(TargetSettings("resolvers"), ("127.0.0.53",), ETH0, ETH1)) == [("127.0.0.53", "", Binding())]


def test_the_protocol_follows_what_is_allowed_and_asked_for() -> None:
    def only(target: TargetSettings, icmp=BOTH) -> tuple[str, int | None, bool]:
        (one,) = planned(target, ("203.0.113.1",), ETH0, icmp=icmp)
        return one.series.protocol, one.series.port, one.fallback

    assert only(TargetSettings("x")) == ("icmp", None, True)
    assert only(TargetSettings("x", protocol="icmp")) == ("icmp", None, False)
    assert only(TargetSettings("x"), frozenset({6})) == ("tcp", 443, False)
    assert only(TargetSettings("x", port=22), frozenset()) == ("tcp", 22, False)
    assert only(TargetSettings("x", protocol="udp")) == ("udp", 33434, False)


def test_the_tcp_series_beside_a_silent_one_differs_in_protocol_only() -> None:
    (one,) = planned(TargetSettings("x", port=22), ("203.0.113.1",), ETH0, ETH1)[:1]
    beside = tcp_beside(one)
    assert (beside.series.protocol, beside.series.port, beside.series.route) == ("tcp", 22, "r0")
    assert beside.binding == one.binding


def test_a_thousand_series_are_spread_over_their_interval() -> None:
    phases = sorted(phase_ns(series, 10**9) for series in range(1, 1001))
    gaps = [after - before for before, after in pairwise(phases)]
    assert max(gaps) < 4_000_000


def test_sending_keeps_its_own_time_and_makes_nothing_up() -> None:
    assert next_due_ns(100, 50, 99) == 150
    assert next_due_ns(100, 50, 100) == 150
    assert next_due_ns(100, 50, 149) == 150
    assert next_due_ns(100, 50, 5_010) == 5_050
