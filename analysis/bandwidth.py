"""What a way out of the box is known to carry: seen in passing always, tested only when asked."""

from collections.abc import Iterable
from typing import Final

import msgspec

from analysis.box import Box
from analysis.samples import Route
from analysis.text import N_, Sentence, say
from analysis.transfer.results import Carried
from analysis.units import duration, megabits

OUTDONE: Final = 1.2
"""A line that has been seen to carry this much more than a test measured, headers and bursts aside, is faster now."""


def link_bps(route: Route, box: Box) -> float | None:
    """Return the speed of the route's interface in bit/s, None where the driver does not say."""
    info = box.infos.get(route.interface)
    return info.speed_mbps * 1e6 if info and info.speed_mbps else None


class Bandwidth(msgspec.Struct, frozen=True):
    """What a route is known to carry. `at_least`: it may do more, nobody asked more of it."""

    mbps: float | None = None
    at_least: bool = False
    source: Sentence | None = None

    def judged(self, enough_mbps: float) -> float | None:
        """Return what can be judged: a lower bound says nothing, unless it is enough already."""
        if self.mbps is None or (self.at_least and self.mbps < enough_mbps):
            return None
        return self.mbps


def bandwidth(route: Route, box: Box, at_ns: int) -> Bandwidth:
    """Return what the route is known to carry at `at_ns`, and how that is known.

    From a fresh test, unless the line has been seen to carry more; else from TCP_INFO delivery rates of flows that
    were not limited by their application, and from the highest throughput of the link in the last minutes where that
    is more. An idle box knows nothing, which is not zero.
    """
    seen = _in_passing(route, box)
    tested = box.tests.carried(route.id, at_ns)
    if tested is None or (seen.mbps or 0.0) * 1e6 > tested.fastest_bps * OUTDONE:
        return seen
    return Bandwidth(tested.bps / 1e6, tested.at_least, _tested(tested))


def _tested(tested: Carried) -> Sentence:
    words = {"rate": megabits(tested.bps / 1e6), "target": tested.target, "age": duration(tested.age_ns)}
    if tested.at_least:
        text = N_("Bandwidth: a test to {target} {age} ago measured {rate} Mb/s, held there by its data cap.")
    elif tested.both:
        text = N_("Bandwidth: a test to {target} {age} ago measured {rate} Mb/s, in the slower direction.")
    else:
        text = N_("Bandwidth: a test to {target} {age} ago measured {rate} Mb/s, in one direction only.")
    return say(text, **words)


def _in_passing(route: Route, box: Box) -> Bandwidth:
    rates = [flow_rate for flow_rate in _delivery_rates(route, box) if flow_rate > 0]
    fastest = max(rates, default=0.0)
    peak = box.peaks.get(route.interface)
    busiest = peak.bps if peak else 0.0
    if fastest and fastest >= busiest:
        text = N_("Bandwidth: a TCP flow was delivered at {rate} Mb/s (TCP_INFO).")
        return Bandwidth(fastest / 1e6, source=say(text, rate=megabits(fastest / 1e6)))
    if busiest >= 1e6:
        text = N_("Bandwidth: the link carried {rate} Mb/s at its busiest in the last minutes; it may do more.")
        return Bandwidth(busiest / 1e6, at_least=True, source=say(text, rate=megabits(busiest / 1e6)))
    return Bandwidth()


def _delivery_rates(route: Route, box: Box) -> Iterable[float]:
    info = box.infos.get(route.interface)
    if info is None or box.flows is None:
        return []
    own = {address.partition("/")[0] for address in info.addresses}
    return [
        float(flow.delivery_rate_bps)
        for flow in box.flows.flows
        if flow.local in own and flow.delivery_rate_bps and flow.delivery_app_limited is False
    ]
