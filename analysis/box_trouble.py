"""What the box counts of its own links and processors says is wrong, and that it says nothing is."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from analysis.box import Box, core_growth, core_shares
from analysis.counters import grown
from analysis.device_trouble import FEW, LEAST_NS, cards_growth, missed, paused, rdma_verdicts
from analysis.samples import Host, LinkCounters, Links, Route
from analysis.severity import Severity
from analysis.text import N_, Sentence, say
from analysis.units import count, duration, percent
from analysis.view import Counted, Verdict

SPOILT_RATIO: Final = 0.001
"""Of packets that the box itself spoils or drops: it holds a Reno flow of 150 ms to 3 Mb/s (Mathis et al., 1997)."""
MANY: Final = 100
"""Errors of interfaces count frames of a wrong length too: fewer in a minute are only worth a notice."""
BUSY_RATIO: Final = 0.95
SOFTIRQ_RATIO: Final = 0.5
"""A core as busy as this, by receiving packets for at least this part of its time, cannot take in more."""
_ON_RECEIPT: Final = N_(
    "{interface}: {n} frames could not be taken in during {time}: damaged (look at the cable, at both ends) or of a "
    "wrong length. ethtool -S {interface} tells which."
)
_ON_SENDING: Final = N_("{interface}: {n} packets could not be sent in {time}. ethtool -S {interface} tells why.")
_NO_WIRE_KINDS: Final = frozenset(("veth", "tun", "wireguard", "dummy", "ipip", "sit", "gre", "ip6tnl", "ppp"))
"""Software that counts nothing of any wire."""
_UPPER_KINDS: Final = frozenset(("bond", "bridge", "vlan", "team", "macvlan", "ipvlan"))


def counted(box: Box, routes: Iterable[Route], at_ns: int) -> Counted:
    """Return what ports, cards, interfaces and processors counted that is wrong, or that the box counts no error."""
    names, cards = _ways_out(box, routes), list(cards_growth(box.nics, at_ns))
    links, hosts = box.links.ends(at_ns), box.hosts.ends(at_ns)
    of_rdma = (*rdma_verdicts(box.rdma, at_ns), *(found for card in cards for found in paused(*card)))
    of_links = _of_links(*links, names) if links is not None else ()
    of_processors = _of_processors(*hosts) if hosts is not None else ()
    of_box = (*of_links, *(found for card in cards for found in missed(*card)), *of_processors)
    if links is None or hosts is None or of_box or not all(_has_wire(box, name) for name in names):
        return Counted(of_rdma, of_box)
    return Counted(of_rdma, of_box, _clean(links, hosts, names))


def _clean(links: tuple[Links, Links], hosts: tuple[Host, Host], names: AbstractSet[str]) -> Sentence | None:
    """Say that no error was counted, where every way out and every core was looked at for long enough."""
    elapsed_ns = min(last.t - first.t for first, last in (links, hosts))
    pairs = list(_pairs(*links, names))
    if elapsed_ns < LEAST_NS or len(pairs) < len(names) or not pairs or not all(now.up for _, now in pairs):
        return None
    if not core_growth(hosts[0].softnet_dropped, hosts[1].softnet_dropped):
        return None
    return say(
        N_("This box counts no error on {interfaces} and no packet dropped by its processors in {time}."),
        interfaces=", ".join(sorted(now.name for _, now in pairs)),
        time=duration(elapsed_ns),
    )


def _has_wire(box: Box, name: str) -> bool:
    """Tell whether an interface counts errors of a wire, by itself or by those below it."""
    kind = info.kind if (info := box.infos.get(name)) is not None else None
    return kind not in _NO_WIRE_KINDS and (kind not in _UPPER_KINDS or bool(_below(box, name)))


def _below(box: Box, name: str) -> list[str]:
    return (box.value(f"link.{name}.lowers") or "").split()


def _ways_out(box: Box, routes: Iterable[Route]) -> AbstractSet[str]:
    """Return the interfaces of routes and of active RDMA ports, and those below: errors elsewhere mean little."""
    ports = box.rdma[-1].ports if box.rdma else ()
    waiting = [route.interface for route in routes]
    waiting += [port.netdev for port in ports if port.netdev and port.state == "ACTIVE"]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _below(box, name)
    return found


def _pairs(first: Links, last: Links, names: AbstractSet[str]) -> Iterator[tuple[LinkCounters, LinkCounters]]:
    before = {row.name: row for row in first.rows}
    return ((before[row.name], row) for row in last.rows if row.name in names and row.name in before)


def _of_links(first: Links, last: Links, names: AbstractSet[str]) -> Iterator[Verdict]:
    elapsed_ns = last.t - first.t
    for was, now in _pairs(first, last, names):
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
    return "warn" if n >= MANY and of is not None and n > of * SPOILT_RATIO else "notice"


def _of_processors(first: Host, last: Host) -> Iterator[Verdict]:
    if last.t - first.t < LEAST_NS:
        return
    time = duration(last.t - first.t)
    if dropped := sum(core_growth(first.softnet_dropped, last.softnet_dropped)):
        text = N_(
            "This box dropped {n} received packets in {time} before any program saw them: its processors do not keep "
            "up."
        )
        taken = sum(core_growth(first.softnet_processed, last.softnet_processed))
        grave: Severity = "bad" if dropped >= MANY and dropped > taken * SPOILT_RATIO else "warn"
        yield Verdict(grave if dropped >= FEW else "notice", say(text, n=count(dropped), time=time))
    for core, (busy, softirq) in enumerate(core_shares(first, last)):
        if busy >= BUSY_RATIO and softirq >= SOFTIRQ_RATIO:
            text = N_(
                "Core {core} was busy for {busy} of {time}, in softirq for {softirq} of it: one core carries what "
                "several could."
            )
            args = {"core": core, "busy": percent(busy), "softirq": percent(softirq), "time": time}
            yield Verdict("warn", say(text, **args))
