"""What a report says of the box itself."""

from collections.abc import Iterator

from analysis.units import bits_per_s, count, per_second, percent
from tui.report.blocks import Block, Cell, Line, Table
from tui.report.box_schema import BoxPart, LinkPart
from tui.text import _


def box_blocks(part: BoxPart | None) -> Iterator[Block]:
    """Yield processors and memory, then the interfaces."""
    if part is None:
        return
    yield Line(" · ".join(f"{name}: {value}" for name, value in box_facts(part)))
    if part.links:
        head = (
            _("interface"),
            _("kind"),
            _("rate"),
            "MTU",
            _("rx"),
            _("tx"),
            _("errors"),
            _("dropped"),
            _("queue"),
        )
        yield Table(head, tuple(map(_link, part.links)), frozenset(range(2, 8)))
    if part.links_left_out:
        yield Line(left_out(part), "dim")


def box_facts(part: BoxPart) -> Iterator[tuple[str, str]]:
    """Yield names and values of what is known."""
    if part.cpu_ratio is not None:
        yield _("processors"), _("{share} busy", share=percent(part.cpu_ratio))
    if part.busiest_core is not None:
        share, softirq = percent(part.busiest_core_ratio), percent(part.softirq_ratio)
        text = _(
            "core {core}: {share}; softirq at most {softirq}", core=part.busiest_core, share=share, softirq=softirq
        )
        yield _("busiest"), text
    if part.memory_ratio is not None:
        yield _("memory"), _("{share} in use", share=percent(part.memory_ratio))
    if part.softnet_drops_per_s is not None:
        yield _("full backlog"), _("{rate} packets dropped", rate=per_second(part.softnet_drops_per_s))
    if part.tcp_retrans_ratio is not None:
        yield "TCP", _("{share} of segments sent again", share=percent(part.tcp_retrans_ratio))


def speed_text(link: LinkPart) -> str:
    """Return the speed that a link negotiated."""
    return "–" if link.speed_mbps is None else bits_per_s(link.speed_mbps * 1e6)


def queue_text(link: LinkPart) -> str:
    """Return an interface's queue and what it has dropped."""
    if link.qdisc is None:
        return "–"
    return (
        link.qdisc if not link.qdisc_drops else _("{queue}: {n} dropped", queue=link.qdisc, n=count(link.qdisc_drops))
    )


def left_out(part: BoxPart) -> str:
    """Say how many interfaces are not told."""
    return _("Not told: {n} more, of containers or the idlest.", n=part.links_left_out)


def _link(link: LinkPart) -> tuple[Cell, ...]:
    return (
        (link.name, "plain" if link.up else "warn"),
        (link.kind or "–", "dim"),
        (speed_text(link), "dim"),
        (str(link.mtu or "–"), "dim"),
        (bits_per_s(link.rx_bps), "plain"),
        (bits_per_s(link.tx_bps), "plain"),
        (per_second(link.errors_per_s), "bad" if link.errors_per_s else "plain"),
        (per_second(link.drops_per_s), "warn" if link.drops_per_s else "plain"),
        (queue_text(link), "dim"),
    )
