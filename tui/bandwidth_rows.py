"""The results of bandwidth tests as rows: on the command's page and in a route's detail."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len

from analysis.samples import BandwidthRun, DatagramCounts, FecRun, RttQuantiles
from analysis.transfer.bufferbloat import Grade, answered, bloat
from analysis.transfer.limits import flow_rates_bps, limit, rate_bps, resent_ratio
from analysis.transfer.results import Run
from analysis.units import bits_per_s, count, duration, milliseconds, percent, size
from tui.text import N_, _, tell
from tui.widgets.clean import clean
from tui.widgets.runs import Role, Row
from tui.widgets.runs import Run as Words
from tui.widgets.wrap import wrap_rows

_DIRECTIONS: Final = {"up": N_("up"), "down": N_("down")}
_GRADES: Final[dict[Grade, Role]] = {"A+": "ok", "A": "ok", "B": "ok", "C": "warn", "D": "bad", "F": "bad"}
_INDENT: Final = 6
FLOWS_SHOWN: Final = 8


def result_rows(results: Sequence[Run], width: int, now_ns: int | None = None) -> Iterator[Row]:
    """Yield every result; with `now_ns` each says to whom and how long ago it was."""
    for result in results:
        heading = _heading(result, now_ns)
        rows = _run_rows(result, width) if isinstance(result, BandwidthRun) else _fec_rows(result, width)
        first = next(rows)
        yield ((f"{_(_DIRECTIONS[result.direction]):{_INDENT - 1}} ", "head"), *first)
        yield from rows
        if heading:
            yield from _note(heading, width)


def _note(text: str, width: int, role: Role = "dim") -> list[Row]:
    rows = wrap_rows(text, max(20, width - _INDENT), role)
    return [_indented(row) for row in rows]


def _indented(row: Row) -> Row:
    return ((" " * _INDENT, "plain"), *row)


def _beside(head: Words, rest: Words, width: int) -> list[Row]:
    """Return two texts in one row where it has room for them, else each in rows of its own."""
    room = max(20, width - _INDENT)
    if cell_len(head[0]) + 2 + cell_len(rest[0]) <= room:
        return [(head, ("  ", "plain"), rest)]
    return [row for text, role in (head, rest) for row in wrap_rows(text, room, role)]


def _headed(head: str, rest: str, width: int) -> list[Row]:
    first, *more = _beside((head, "accent"), (rest, "plain"), width)
    return [first, *map(_indented, more)]


def _heading(result: Run, now_ns: int | None) -> str | None:
    if now_ns is None:
        return None
    age = duration(max(0, now_ns - result.ended_ns))
    return _("to {target}, {age} ago", target=clean(result.target), age=age)


def _run_rows(run: BandwidthRun, width: int) -> Iterator[Row]:
    yield from _headed(bits_per_s(rate_bps(run)), _moved(run), width)
    if len(run.flow_bytes) > 1:
        rates = [bits_per_s(rate) for rate in flow_rates_bps(run)]
        rest = "  …" if len(rates) > FLOWS_SHOWN else ""
        yield from _note(_("by flow: {rates}", rates=", ".join(rates[:FLOWS_SHOWN]) + rest), width)
    if run.datagrams is not None:
        yield from _datagram_rows(run.datagrams, width)
    yield from _latency_rows(run, width)
    sender = run.sender
    if sender is not None:
        words = {"cc": clean(sender.cc), "share": percent(resent_ratio(sender)), "cwnd": count(sender.cwnd_packets)}
        if sender.cwnd_packets:
            text = _("{cc}: {share} sent again, window up to {cwnd} packets", **words)
        else:
            text = _("{cc}: {share} sent again", **words)
        yield from _note(text, width)
    held = limit(run)
    if held is not None:
        yield from _note(tell(held), width, "plain")


def _moved(run: BandwidthRun) -> str:
    words = {
        "protocol": run.protocol.upper(),
        "moved": size(run.bytes),
        "time": duration(run.span_us * 1000),
        "flows": run.flows,
    }
    if rate_bps(run) is None:
        return _("{protocol}: it was over too soon to tell a rate; give a larger --cap", **words)
    if run.flows > 1:
        text = _("{protocol}, {flows} flows: {moved} in {time}", **words)
    else:
        text = _("{protocol}: {moved} in {time}", **words)
    if run.skipped_us:
        text += _(", the first {time} left out", time=duration(run.skipped_us * 1000))
    if run.together:
        text += _(", both directions at once")
    if run.capped:
        text += _("; ended by the data cap")
    return text


def _datagram_rows(counts: DatagramCounts, width: int) -> Iterator[Row]:
    lost = counts.sent - counts.received
    text = _(
        "{sent} datagrams: {lost} lost ({share}), {reordered} out of order, {duplicates} twice, jitter {jitter} ms",
        sent=counts.sent,
        lost=lost,
        share=percent(lost / counts.sent if counts.sent else None),
        reordered=counts.reordered,
        duplicates=counts.duplicates,
        jitter=milliseconds(counts.jitter_us),
    )
    yield from _note(text, width)
    if counts.bursts:
        longest = max(length for length, _often in counts.bursts)
        gaps = sum(often for _length, often in counts.bursts)
        yield from _note(_("lost in {n} bursts, the longest of {longest}", n=gaps, longest=longest), width)
    if counts.overflowed:
        text = _("{n} of them had arrived: the receiving program was too slow, not the line", n=counts.overflowed)
        yield from _note(text, width, "warn")


def _latency_rows(run: BandwidthRun, width: int) -> Iterator[Row]:
    if run.idle is None:
        yield from _note(_("round trips under load: not known, the host does not answer probes"), width)
        return
    if run.loaded is None:
        yield from _note(_("round trips under load: not known, no probe was answered meanwhile"), width)
        return
    grown = bloat(run.idle, run.loaded)
    text = _growth(_("round trip"), run.idle, run.loaded)
    if grown is None:
        yield from _note(text, width)
    else:
        grade = _("bufferbloat {grade} (n {n})", grade=grown.grade, n=grown.n)
        yield from map(_indented, _beside((text, "plain"), (grade, _GRADES[grown.grade]), width))
    if run.gateway_idle is not None and run.gateway_loaded is not None:
        yield from _note(_growth(_("to the first hop"), run.gateway_idle, run.gateway_loaded), width)


def _growth(name: str, idle: RttQuantiles, loaded: RttQuantiles) -> str:
    return _(
        "{name}: {idle} ms idle, {loaded} ms under load (p95 {idle95}, {loaded95}; {lost} of {sent} lost)",
        name=name,
        idle=milliseconds(idle.p50_us),
        loaded=milliseconds(loaded.p50_us),
        idle95=milliseconds(idle.p95_us),
        loaded95=milliseconds(loaded.p95_us),
        lost=loaded.sent - answered(loaded),
        sent=loaded.sent,
    )


def _fec_rows(run: FecRun, width: int) -> Iterator[Row]:
    from analysis.transfer.fec import conclusion, prediction, predictions

    code = _("error correction {needed}+{added}", needed=run.needed, added=run.block - run.needed)
    pace = _("at {pace}, {size} B datagrams", pace=bits_per_s(run.paced_bps), size=run.payload_bytes)
    yield from _headed(code, pace, width)
    yield from _note(tell(conclusion(run)), width, "plain")
    text = _(
        "measured: {lost} of {sources} datagrams of data lost, {restored} restored; decoding took {decode} ms",
        lost=run.sources - run.arrived,
        sources=run.sources,
        restored=run.restored,
        decode=milliseconds(run.decode_p50_us),
    )
    yield from _note(text, width)
    if run.wrong:
        yield from _note(_("{n} were restored wrongly: that must not happen", n=run.wrong), width, "bad")
    found = predictions(run)
    if found and run.plain.sent > run.plain.received:
        yield from _note(_("Predicted from the losses of the plain datagrams, all at this pace:"), width)
        for one in found:
            yield from _note(f"  {tell(prediction(one))}", width)
