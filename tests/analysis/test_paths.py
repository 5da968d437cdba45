"""Which paths are shown as ways out become known, and as they come and go."""

from msgspec.structs import replace

from analysis.paths import Paths
from analysis.samples import Series


def shown(*definitions: Series) -> list[tuple[str, str]]:
    paths = Paths()
    for series in definitions:
        paths.define(series, series.route)
    return [(path.key.target, path.key.route) for path in paths.shown()]


EARLY = Series(1, id=1, target="far.example", address="192.0.2.1")
OVER_ETH0 = Series(2, id=2, target="far.example", address="192.0.2.1", route="eth0")


def ended(series: Series) -> Series:
    return replace(series, ended=True)


def test_what_was_probed_before_the_ways_out_were_known_gives_place_to_the_paths_over_them() -> None:
    assert shown(EARLY) == [("far.example", "")]
    assert shown(EARLY, ended(EARLY)) == [("far.example", "")]
    assert shown(EARLY, ended(EARLY), OVER_ETH0) == [("far.example", "eth0")]
    assert shown(EARLY, ended(EARLY), OVER_ETH0, ended(OVER_ETH0)) == [("far.example", "eth0")]


def test_another_family_or_target_takes_no_place() -> None:
    v6 = replace(OVER_ETH0, address="2001:db8::1")
    near = replace(OVER_ETH0, target="near.example")
    assert shown(EARLY, ended(EARLY), v6)[0] == ("far.example", "")
    assert shown(EARLY, ended(EARLY), near)[0] == ("far.example", "")


def test_a_path_whose_way_out_has_gone_stays() -> None:
    assert shown(OVER_ETH0, ended(OVER_ETH0)) == [("far.example", "eth0")]


def test_a_path_that_leaves_the_default_route_for_a_connected_network_is_shown_after_it_has_ended() -> None:
    near = replace(EARLY, t=3, id=3)
    both = [("far.example", "eth0"), ("far.example", "")]
    assert shown(OVER_ETH0, ended(OVER_ETH0), near) == both
    assert shown(OVER_ETH0, ended(OVER_ETH0), near, ended(near)) == both
