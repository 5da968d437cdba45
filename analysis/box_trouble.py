"""What the box counts of its own links and processors says is wrong, and that it says nothing is."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from analysis.box import Box, core_shares
from analysis.counters import grown
from analysis.device_trouble import FEW, card_verdicts, rdma_verdicts
from analysis.recent import Recent
from analysis.samples import Host, LinkCounters, Links, Route
from analysis.severity import Severity
from analysis.text import N_, Sentence, say
from analysis.units import count, duration, percent
from analysis.view import Verdict

BAD_RATIO: Final = 0.001
"""Of packets that the box itself spoils or drops: it holds a Reno flow of 150 ms to 3 Mb/s (Mathis et al., 1997)."""
BUSY_RATIO: Final = 0.95
SOFTIRQ_RATIO: Final = 0.5
"""A core as busy as this, by receiving packets for at least this part of its time, cannot take in more."""
CLEAN_NS: Final = 10 * 10**9
"""Within less nothing is called clean."""
_ON_RECEIPT: Final = N_("{interface}: {n} errors on receipt in {time}: look at cable, module and port, at both ends.")
_ON_SENDING: Final = N_("{interface}: {n} errors on sending in {time}: look at its driver, cable and port.")


def counted(box: Box, routes: Iterable[Route], at_ns: int) -> tuple[Verdict, ...]:
    """Return what RDMA ports, cards, links and processors counted in the last minute that is wrong, one by one."""
    return (
        *rdma_verdicts(box.rdma, at_ns),
        *card_verdicts(box.nics, at_ns),
        *_of_links(box.links_grown(at_ns), _ways_out(box, routes)),
        *_of_processors(box.hosts, at_ns),
    )


def clean(box: Box, routes: Iterable[Route], at_ns: int) -> Sentence | None:
    """Say that the fault is not in this box, where its ways out and its processors count nothing wrong; else None."""
    names = _ways_out(box, routes)
    links, hosts = box.links_grown(at_ns), box.hosts.ends(at_ns)
    if links is None or hosts is None or links[1].t - links[0].t < CLEAN_NS:
        return None
    pairs = list(_pairs(*links, names))
    if not pairs or any(_wrong(was, now) for was, now in pairs) or _dropped(*hosts):
        return None
    return say(
        N_("This box itself: not one error on {interfaces}, no packet dropped by its processors in {time}."),
        interfaces=", ".join(now.name for _, now in pairs),
        time=duration(links[1].t - links[0].t),
    )


def _ways_out(box: Box, routes: Iterable[Route]) -> AbstractSet[str]:
    """Return the interfaces that matter to what is probed: other ones of software have errors that mean nothing."""
    ports = box.rdma[-1].ports if box.rdma else ()
    return {route.interface for route in routes} | {port.netdev for port in ports if port.netdev}


def _pairs(first: Links, last: Links, names: AbstractSet[str]) -> Iterator[tuple[LinkCounters, LinkCounters]]:
    before = {row.name: row for row in first.rows}
    return ((before[row.name], row) for row in last.rows if row.name in names and row.name in before)


def _wrong(was: LinkCounters, now: LinkCounters) -> bool:
    known = (
        grown(was.rx_errors, now.rx_errors),
        grown(was.tx_errors, now.tx_errors),
        grown(was.carrier_changes, now.carrier_changes),
    )
    return not now.up or any(known)


def _of_links(ends: tuple[Links, Links] | None, names: AbstractSet[str]) -> Iterator[Verdict]:
    if ends is None:
        return
    elapsed_ns = ends[1].t - ends[0].t
    for was, now in _pairs(*ends, names):
        received, sent = grown(was.rx_packets, now.rx_packets), grown(was.tx_packets, now.tx_packets)
        for text, errors, packets in (
            (_ON_RECEIPT, grown(was.rx_errors, now.rx_errors), received),
            (_ON_SENDING, grown(was.tx_errors, now.tx_errors), sent),
        ):
            if errors:
                said = say(text, interface=now.name, n=count(errors), time=duration(elapsed_ns))
                yield Verdict(_severity(errors, packets), said)
        if changes := grown(was.carrier_changes, now.carrier_changes):
            yield _unsteady(now.name, changes, elapsed_ns)


def _unsteady(interface: str, changes: int, elapsed_ns: int) -> Verdict:
    text = N_("{interface}: its link went down or came up {n} times in {time}.")
    return Verdict("warn", say(text, interface=interface, n=changes, time=duration(elapsed_ns)))


def _severity(n: int, of: int | None) -> Severity:
    if n < FEW:
        return "notice"
    return "bad" if of and n / of > BAD_RATIO else "warn"


def _of_processors(kept: Recent[Host], at_ns: int) -> Iterator[Verdict]:
    if (ends := kept.ends(at_ns)) is None:
        return
    time = duration(ends[1].t - ends[0].t)
    if dropped := _dropped(*ends):
        text = N_(
            "This box dropped {n} received packets in {time} before any program saw them: its processors do not keep "
            "up."
        )
        taken = grown(sum(ends[0].softnet_processed), sum(ends[1].softnet_processed))
        yield Verdict(_severity(dropped, taken), say(text, n=count(dropped), time=time))
    for core, (busy, softirq) in enumerate(core_shares(*ends)):
        if busy >= BUSY_RATIO and softirq >= SOFTIRQ_RATIO:
            text = N_(
                "Core {core} was busy for {busy} of {time}, taking in packets for {softirq} of it: one core carries "
                "what several could."
            )
            args = {"core": core, "busy": percent(busy), "softirq": percent(softirq), "time": time}
            yield Verdict("warn", say(text, **args))


def _dropped(first: Host, last: Host) -> int:
    """Return the packets that found a core's backlog full (/proc/net/softnet_stat, second column)."""
    return grown(sum(first.softnet_dropped), sum(last.softnet_dropped)) or 0
