"""Makes the part of a report that tells of the box itself."""

from collections.abc import Set as AbstractSet
from typing import Final

from analysis.view import LinkRow, View
from tui.report.box_schema import BoxPart, LinkPart
from tui.widgets.clean import clean

LINKS: Final = 16
_LOOPBACK: Final = "lo"
_OF_CONTAINERS: Final = "veth"


def box_part(view: View) -> BoxPart | None:
    """Return what is known of the box, None where nothing is: a capture tells nothing of the box it was made on."""
    if not view.links and view.host.cpu_ratio is None and view.host.memory_ratio is None:
        return None
    host = view.host
    others = [row for row in view.links if row.name != _LOOPBACK]
    ways = {route.interface for route in view.routes}
    links = sorted((row for row in others if _is_told(row, ways)), key=lambda row: _order(row, ways))
    return BoxPart(
        cpu_ratio=host.cpu_ratio,
        busiest_core=host.busiest_core,
        busiest_core_ratio=host.busiest_core_ratio,
        softirq_ratio=host.busiest_softirq_ratio,
        memory_ratio=host.memory_ratio,
        softnet_drops_per_s=host.softnet_drops_per_s,
        tcp_retrans_ratio=host.tcp_retrans_ratio,
        links=tuple(map(_link, links[:LINKS])),
        links_left_out=len(others) - len(links[:LINKS]),
    )


def _is_told(row: LinkRow, ways: AbstractSet[str]) -> bool:
    """Leave out the box's ends of containers' interfaces; inside of one, that is the way out."""
    return row.name in ways or row.info is None or row.info.kind != _OF_CONTAINERS


def _order(row: LinkRow, ways: AbstractSet[str]) -> tuple[bool, bool, bool, float, str]:
    """Return ways out first, then what has errors, then by traffic."""
    traffic = (row.rx_bps or 0) + (row.tx_bps or 0)
    return row.name not in ways, not row.errors_per_s, not row.up, -traffic, row.name


def _link(row: LinkRow) -> LinkPart:
    info = row.info
    return LinkPart(
        name=clean(row.name),
        up=row.up,
        kind=clean(info.kind) if info is not None and info.kind is not None else None,
        speed_mbps=info.speed_mbps if info is not None else None,
        mtu=info.mtu if info is not None else None,
        rx_bps=row.rx_bps,
        tx_bps=row.tx_bps,
        rx_pps=row.rx_pps,
        tx_pps=row.tx_pps,
        errors_per_s=row.errors_per_s,
        drops_per_s=row.drops_per_s,
        qdisc=row.qdisc and clean(row.qdisc),
        qdisc_drops=row.qdisc_drops,
    )
