"""One path as rows of text: verdict, hops with their loss judged, guesses, carrier lines, MTU."""

from collections.abc import Iterator
from typing import Final

from analysis.path.carriers import Carrier, line_names, told
from analysis.path.locate import evidence, verdict
from analysis.path.view import HopRow, Loss, PathView
from analysis.units import NONE, count, milliseconds, percent
from tui.severity import judged_rows
from tui.text import N_, _, tell
from tui.widgets.runs import Glyphs, Role, Row, fit, fit_row
from tui.widgets.wrap import wrap_rows

_LOSSES: Final[dict[Loss, tuple[str, Role]]] = {
    "none": ("", "plain"),
    "real": (N_("lost"), "bad"),
    "limited": (N_("limits its answers"), "dim"),
    "silent": (N_("silent"), "dim"),
    "unsure": (N_("not sure"), "dim"),
}
_TIMES: Final = 7
_ADDRESS: Final = (15, 39)


def path_rows(view: PathView, width: int, glyphs: Glyphs, carrier: Carrier | None = None) -> list[Row]:
    """Return the whole path in rows of at most `width` cells."""
    names = line_names(carrier) if carrier else {}
    severity, sentence = verdict(view, names)
    rows = [*judged_rows(severity, sentence, glyphs, width), (), *hop_rows(view, width, glyphs, names)]
    notes = [tell(one) for one in evidence(view)] + [tell(hint.text) for hint in view.hints]
    if view.changes:
        notes.append(
            _("The path changed {n} times in this window; rows count since the last change.", n=len(view.changes))
        )
    if carrier is not None:
        notes.append(tell(told(carrier)))
    notes += _mtu(view)
    if notes:
        rows.append(())
    for note in notes:
        rows += wrap_rows(f"- {note}", width, indent=2)
    return rows


def hop_rows(view: PathView, width: int, glyphs: Glyphs, names: dict[str, str]) -> Iterator[Row]:
    """Yield a head and one row for each router; a hop's own figures stand beside its busiest one."""
    wanted = max((len(router.address) for row in view.hops for router in row.routers), default=0)
    address = min(max(_ADDRESS[0], wanted), _ADDRESS[1], max(_ADDRESS[0], width - 4 * _TIMES - 12))
    titles = (_("loss"), _("n"), "p50", "p99", _("jitter"))
    numbers = "".join(fit(title, _TIMES, right=True, glyphs=glyphs) for title in titles)
    yield fit_row(((f"{'':>3} {fit(_('hop'), address, glyphs=glyphs)}{numbers}", "head"),), width)
    for row in view.hops:
        yield fit_row(_hop(row, address, glyphs, names), width)
        for router in row.routers[1:]:
            line = names.get(router.address)
            text = f"    {fit(router.address, address, glyphs=glyphs)}  {count(router.answers)} {line or ''}"
            yield fit_row(((text, "dim"),), width)


def _hop(row: HopRow, address: int, glyphs: Glyphs, names: dict[str, str]) -> Row:
    window = row.window
    who = row.routers[0].address if row.routers else "*"
    shown = (
        percent(window.loss_ratio),
        count(window.settled),
        milliseconds(window.p50_us),
        milliseconds(window.p99_us),
        milliseconds(None if window.jitter_us is None else window.jitter_us),
    )
    cells = [fit(text, _TIMES, right=True, glyphs=glyphs) for text in shown]
    said, loss_role = _LOSSES[row.loss]
    notes = [_(said) if said else "", names.get(who, ""), *_marks(row)]
    return (
        (f"{row.ttl:>3} ", "dim"),
        (fit(who, address, glyphs=glyphs), "accent" if row.is_target else "plain"),
        (cells[0], loss_role),
        ("".join(cells[1:]), "plain"),
        ("  " + ", ".join(note for note in notes if note), loss_role if said else "dim"),
    )


def _marks(row: HopRow) -> Iterator[str]:
    if row.spread is not None:
        yield _("spread by packet") if row.spread == "packet" else _("spread by flow")
    if row.labels:
        yield "MPLS " + "/".join(str(label) for label in row.labels)
    if row.quoted_dscp:
        yield f"DSCP {row.quoted_dscp}"


def _mtu(view: PathView) -> Iterator[str]:
    mtu = view.mtu
    if mtu is None:
        return
    if mtu.mtu is None:
        yield _("Path MTU: not measurable, the target answers no large echo requests.")
    elif mtu.refused is None:
        yield _("Path MTU: {mtu} bytes, as much as this box sends.", mtu=mtu.mtu)
    elif mtu.black_hole:
        yield _("Path MTU: {mtu} bytes by probing; {refused} vanish.", mtu=mtu.mtu, refused=mtu.refused)
    else:
        yield _("Path MTU: {mtu} bytes, told by {router}.", mtu=mtu.mtu, router=mtu.said_by or NONE)
