"""From rules and tables to ways out, where a namespace here cannot make the case."""

from ipaddress import ip_address, ip_network

from collectors.rtnetlink import DefaultRoute, Link, OwnAddress, Rule
from collectors.ways import Tables, ways_out

LINKS = {1: Link("eth0", running=True), 2: Link("wg0", running=True), 3: Link("vrf-eth", running=True)}
MAIN = Rule(4, 32766, 254)


def test_the_table_of_a_vrf_is_reached_by_its_interface_alone() -> None:
    tables = Tables(LINKS, (), (MAIN, Rule(4, 1000, None)), (DefaultRoute(4, 77, 0, 3, ip_address("10.7.0.1")),))
    assert [(r.interface, r.table, r.mark, r.source) for r in ways_out(tables)] == [("vrf-eth", 77, 0, None)]


def test_a_tunnel_that_takes_all_but_its_own_packets_leaves_the_line_under_it_a_way_out() -> None:
    """WireGuard's usual rules: everything unmarked into its table, and the main table behind."""
    tunnel = DefaultRoute(4, 51820, 0, 2)
    line = DefaultRoute(4, 254, 100, 1, ip_address("192.0.2.1"))
    tables = Tables(LINKS, (), (Rule(4, 32765, 51820), MAIN), (line, tunnel))
    assert [(r.interface, r.table, r.standby) for r in ways_out(tables)] == [
        ("wg0", 51820, False),
        ("eth0", 254, False),
    ]


def test_a_source_prefix_with_two_of_our_addresses_is_two_ways() -> None:
    own = [OwnAddress(1, ip_address(f"10.2.0.{last}")) for last in (2, 3)]
    rule = Rule(4, 100, 100, source=ip_network("10.2.0.0/24"))
    tables = Tables(LINKS, own, (rule, MAIN), (DefaultRoute(4, 100, 0, 1, ip_address("10.2.0.1")),))
    assert [r.source for r in ways_out(tables)] == ["10.2.0.2", "10.2.0.3"]
    assert len({r.id for r in ways_out(tables)}) == 2


def test_a_route_over_a_link_that_is_gone_by_now_is_left_out() -> None:
    tables = Tables({}, (), (MAIN,), (DefaultRoute(4, 254, 0, 9, ip_address("10.2.0.1")),))
    assert ways_out(tables) == ()


def test_a_dead_next_hop_is_down_and_holds_no_other_back() -> None:
    dead = DefaultRoute(4, 254, 0, 1, ip_address("10.2.0.1"), usable=False)
    alive = DefaultRoute(4, 254, 0, 1, ip_address("10.2.0.2"))
    first, second = ways_out(Tables(LINKS, (), (MAIN,), (dead, alive)))
    assert (first.up, second.up, second.standby) == (False, True, False)
