"""Makes the part of a report that tells of the box itself."""

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
    links = sorted((row for row in others if row.info is None or row.info.kind != _OF_CONTAINERS), key=_by_traffic)
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


def _by_traffic(row: LinkRow) -> tuple[bool, float, str]:
    return not row.up, -((row.rx_bps or 0) + (row.tx_bps or 0)), row.name


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
