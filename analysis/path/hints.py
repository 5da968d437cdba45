"""What answers let guess beside loss and time: NATs, another way back, bleached classes, a bar. Guesses say so."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from analysis.path.mtu import mtu_hints
from analysis.path.view import Hint, HopRow
from analysis.samples import HopPath, PathMtu
from analysis.text import N_, say
from analysis.units import milliseconds

ASYMMETRIC: Final = 3
"""Hops by which the way back differs before it is called another one; MPLS tunnels hide one or two."""
STARTS: Final = (64, 128, 255)
LATENCY_SHARE: Final = 0.5
LATENCY_US: Final = 20_000


def way_back(reply_ttl: int | None) -> int | None:
    """Return how many hops an answer came, by the TTLs that hosts and routers usually start from."""
    if reply_ttl is None or not 0 < reply_ttl <= 255:
        return None
    return next(start for start in STARTS if reply_ttl <= start) - reply_ttl + 1


def hints(path: HopPath, rows: Sequence[HopRow], mtu: PathMtu | None) -> tuple[Hint, ...]:
    """Return every hint, in the order of the path."""
    found = [
        *_nat(rows),
        *_asymmetric(rows),
        *_bleached(path, rows),
        *_blocked(rows),
        *mtu_hints(mtu),
        *_latency(rows),
    ]
    return tuple(found)


def name(row: HopRow) -> str:
    """Return a hop as text: its number and who answers there."""
    return f"{row.ttl} ({row.routers[0].address})" if row.routers else str(row.ttl)


def _answering(rows: Sequence[HopRow]) -> list[HopRow]:
    return [row for row in rows if row.routers]


def _nat(rows: Sequence[HopRow]) -> Iterator[Hint]:
    """A quotation that was rewritten, or one address for several hops whose answers come from ever further away."""
    first = next((row for row in rows if row.rewritten), None)
    if first is not None:
        text = say(
            N_("Probes arrive at hop {hop} with another address, port or checksum: there is a NAT before it."),
            hop=name(first),
        )
        yield Hint("nat", text, first.ttl)
    for row, after in pairwise(_answering(rows)):
        same = {router.address for router in row.routers} & {router.address for router in after.routers}
        further = row.back_hops is not None and after.back_hops is not None and after.back_hops > row.back_hops
        if same and further:
            text = say(
                N_("Hops {first} and {second} answer as one address from different distances: probably a NAT."),
                first=row.ttl,
                second=after.ttl,
            )
            yield Hint("nat", text, row.ttl)
            return


def _asymmetric(rows: Sequence[HopRow]) -> Iterator[Hint]:
    """From some hop on, all answers come a way that is longer or shorter by several hops."""
    known = [(row, row.back_hops - row.ttl) for row in rows if row.back_hops is not None]
    differing: list[tuple[HopRow, int]] = []
    for row, by in reversed(known):
        if abs(by) < ASYMMETRIC:
            break
        differing.append((row, by))
    if len(differing) < 2 or len({by > 0 for _row, by in differing}) > 1:
        return
    row, by = differing[-1]
    text = say(
        N_("From hop {hop} on, answers come {n} hops further than probes go: probably another way back.")
        if by > 0
        else N_("From hop {hop} on, answers come {n} hops less than probes go: probably another way back."),
        hop=name(row),
        n=abs(by),
    )
    yield Hint("asymmetric", text, row.ttl)


def _bleached(path: HopPath, rows: Sequence[HopRow]) -> Iterator[Hint]:
    """The class that hops quote differs from what was sent, up to the last one that quotes."""
    quoting = [row for row in rows if row.quoted_dscp is not None]
    wrong: list[HopRow] = []
    for row in reversed(quoting):
        if row.quoted_dscp == path.dscp:
            break
        wrong.append(row)
    if wrong:
        first = wrong[-1]
        right = quoting[len(quoting) - len(wrong) - 1] if len(wrong) < len(quoting) else None
        args = {"hop": name(first), "sent": path.dscp, "seen": first.quoted_dscp}
        text = (
            say(N_("DSCP {sent} arrives at hop {hop} as {seen}: this box or its gateway changes it."), **args)
            if right is None
            else say(
                N_("DSCP {sent} arrives at hop {hop} as {seen}; hop {right} still saw it whole."),
                **args,
                right=name(right),
            )
        )
        yield Hint("bleached", text, first.ttl)
    last = next((row for row in reversed(rows) if row.quoted_ecn is not None), None)
    if last is not None and last.quoted_ecn:
        first = next(row for row in rows if row.quoted_ecn)
        text = say(
            N_("Probes sent without ECN arrive at hop {hop} with ECN bits {seen}: something sets them wrongly."),
            hop=name(first),
            seen=last.quoted_ecn,
        )
        yield Hint("ecn", text, first.ttl)


def _blocked(rows: Sequence[HopRow]) -> Iterator[Hint]:
    barring = next((row for row in rows if row.refusal is not None and not row.is_target), None)
    if barring is not None:
        text = say(
            N_("Hop {hop} says that the target cannot be reached (ICMP code {code})."),
            hop=name(barring),
            code=barring.refusal,
        )
        yield Hint("blocked", text, barring.ttl)


def _latency(rows: Sequence[HopRow]) -> Iterator[Hint]:
    """One link that adds most of the time: the least of all later medians steps up there."""
    known = [(row, row.window.p50_us) for row in rows if row.window.p50_us is not None]
    floors: list[tuple[HopRow, int]] = []
    least = None
    for row, p50 in reversed(known):
        least = p50 if least is None else min(least, p50)
        floors.append((row, least))
    floors.reverse()
    if not floors:
        return
    before = 0
    steps: list[tuple[int, HopRow | None, HopRow]] = []
    previous: HopRow | None = None
    for row, floor in floors:
        steps.append((floor - before, previous, row))
        before, previous = floor, row
    added, left, row = max(steps, key=lambda step: step[0])
    if added >= LATENCY_US and added >= before * LATENCY_SHARE:
        text = say(
            N_("{added} of {whole} ms are added between hop {left} and hop {right}."),
            added=milliseconds(added),
            whole=milliseconds(before),
            left=name(left) if left else "0",
            right=name(row),
        )
        yield Hint("latency", text, row.ttl)
