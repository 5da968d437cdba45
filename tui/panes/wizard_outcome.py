"""The wizard's pages from the first change on: what is being done, before and after, and how it ended."""

from collections.abc import Iterator, Sequence
from typing import Final

from analysis.compare import Comparison as Paths
from analysis.compare import Meaning
from analysis.compare import Measure as PathMeasure
from analysis.units import SECOND_NS, duration, milliseconds, percent, significant
from tui.panes.wizard import ANSWERS, Page, bar, keys, title
from tui.text import N_, _, tell
from tui.tune.measure import Tcp
from tui.tune.text import report
from tui.widgets.clean import clean
from tui.widgets.runs import Glyphs, Role, Row, fit
from tui.widgets.wrap import wrap_rows
from tuning.plan import Wanted
from tuning.reports import Report
from tuning.verify import Comparison, Metric, Outcome
from tuning.wizard import Answer, Wizard

_OUTCOMES: Final[dict[Outcome, tuple[str, Role]]] = {
    "better": (N_("better"), "ok"),
    "worse": (N_("WORSE"), "bad"),
    "no difference": (N_("no significant difference"), "warn"),
    "too few": (N_("too few measurements to tell"), "warn"),
}
_MEANINGS: Final[dict[Meaning, tuple[str, Role]]] = {
    "better": (N_("better"), "ok"),
    "worse": (N_("WORSE"), "bad"),
    "same": (N_("no difference"), "dim"),
    "unclear": (N_("too few to tell"), "dim"),
}
_MEASURES: Final = {"latency": N_("latency p50"), "loss": N_("loss")}
_SOON_NS: Final = 30 * SECOND_NS
_COLUMN: Final = 10


def countdown_row(deadline_ns: int, now_ns: int, whole_s: int, glyphs: Glyphs) -> Row:
    """Return how long is left to confirm."""
    left = max(0, deadline_ns - now_ns)
    role: Role = "bad" if left < _SOON_NS else "warn"
    seconds = -(-left // SECOND_NS)
    text = _("goes back by itself in {time}", time=duration(seconds * SECOND_NS))
    return (*bar(left / (whole_s * SECOND_NS), glyphs, role), (f" {text}", role))


def apply_page(wizard: Wizard, width: int) -> Page:
    """Return what the executor has told so far."""
    return Page((*title(_("Applying")), (), *report_rows(wizard.reports, width)))


def report_rows(reports: Sequence[Report], width: int) -> Iterator[Row]:
    """Yield what the executor told, trouble standing out."""
    for told in reports:
        line = report(told)
        if line:
            yield from wrap_rows(line, width, "warn" if told.trouble else "plain", indent=2)


def decide_page(
    wizard: Wizard, comparison: Comparison | None, paths: Paths | None, tcp: Tcp, answer: Answer, width: int
) -> Page:
    """Return before and after side by side, the answer that is proposed, and what became of TCP and every path."""
    rows: list[Row] = [*title(_("Before and after"))]
    for silent in wizard.cut_off:
        rows += wrap_rows(tell(silent), width, "bad")
    rows += [*_metric_rows(comparison, width), *_reach_rows(wizard), ()]
    if answer == "keep":
        rows += wrap_rows(_("It became better and nothing was lost: keeping is proposed."), width, "ok")
        rows += keys(_("Enter or k: keep it, you are asked once more.  r: put everything back."), width)
    else:
        rows += wrap_rows(_("Nothing shows that this is better: rolling back is proposed."), width, "warn")
        rows += keys(_("Enter or r: put everything back.  k: keep it all the same, you are asked once more."), width)
    rows += _tcp_rows(tcp, None if comparison is None else comparison.metric, width)
    if paths is not None:
        rows += [(), *_path_rows(paths, width)]
    return Page(tuple(rows))


def _metric_rows(comparison: Comparison | None, width: int) -> list[Row]:
    if comparison is None:
        return wrap_rows(_("No metric was chosen, so only what answers was compared."), width, "dim")
    metric = comparison.metric
    text, role = _OUTCOMES[comparison.outcome]
    return [
        *wrap_rows(f"{tell(metric.name)} ({metric.unit})", width, "accent"),
        _columns("", _("before"), _("after"), "head"),
        _columns(_("median"), _number(comparison.before), _number(comparison.after)),
        _columns("n", str(comparison.n_before), str(comparison.n_after), "dim"),
        ((_(text), role),),
    ]


def _reach_rows(wizard: Wizard) -> Iterator[Row]:
    if wizard.before is None or wizard.later is None:
        return
    before, after = wizard.before.reach, wizard.later.reach
    for name, was, now in (
        (_("gateway"), before.gateway, after.gateway),
        (_("your session"), before.peer, after.peer),
    ):
        yield _columns(name, _(ANSWERS[was][0]), _(ANSWERS[now][0]), "bad" if (was, now) == LOST else "plain")


LOST: Final = ("answers", "silent")


def _tcp_rows(tcp: Tcp, told: Metric | None, width: int) -> Iterator[Row]:
    """Yield what became of TCP beside the metric that is `told` already."""
    if tcp.stale:
        stale = _(
            "The busiest connection uses {control}: connections that were open before the change keep theirs. "
            "To see what it does, open new ones and try again.",
            control=clean(tcp.stale),
        )
        yield ()
        yield from wrap_rows(stale, width, "warn")
    for compared in tcp.measures:
        if compared.metric != told:
            yield ()
            yield from _metric_rows(compared, width)


def _path_rows(paths: Paths, width: int) -> Iterator[Row]:
    """Yield latency and loss of every path, as two sessions are compared."""
    yield from wrap_rows(tell(paths.verdict), width, "accent")
    for path in paths.paths:
        where = f"{path.path.target} ({path.path.route})" if path.path.route else path.path.target
        yield ((clean(where), "plain"),)
        for measure in path.measures:
            if measure.name in _MEASURES:
                text, role = _MEANINGS[measure.meaning]
                row = _columns(
                    f"  {_(_MEASURES[measure.name])}", _value(measure, measure.a), _value(measure, measure.b)
                )
                yield (*row, (f"  {_(text)}", role))


def _value(measure: PathMeasure, value: float | None) -> str:
    return percent(value) if measure.name == "loss" else f"{milliseconds(value)} ms"


def _number(value: float | None) -> str:
    return "–" if value is None else significant(value)


def _columns(name: str, before: str, after: str, role: Role = "plain") -> Row:
    return ((f"{fit(name, 14)} {fit(before, _COLUMN, right=True)} {fit(after, _COLUMN, right=True)}", role),)


def end_page(wizard: Wizard, values: Sequence[str | None], width: int) -> Page:
    """Return how it ended, and what the settings are now by reading them again."""
    done = [*report_rows([told for told in wizard.reports if told.event != "armed"], width)]
    rows: list[Row] = [*title(_("What was done")), *done] if done else []
    if wizard.request is None:
        rows += wrap_rows(_("Nothing was changed."), width)
    elif values:
        rows += [(), *title(_("Read again"))]
        for change, value in zip(wizard.request.changes, values, strict=True):
            rows += _value_rows(change, value, width)
    if wizard.request is not None and wizard.reports and wizard.reports[-1].event in {"kept", "file"}:
        plan = clean(wizard.request.id)
        rows += [
            (),
            *wrap_rows(_("To put it back later: {command}", command=f"longpipe tune rollback {plan}"), width),
        ]
    return Page((*rows, (), *keys(_("Enter: back to the dashboard."), width)))


def _value_rows(change: Wanted, value: str | None, width: int) -> list[Row]:
    now = None if value is None else " ".join(value.split())
    if now == " ".join(change.current.split()):
        return wrap_rows(_("{key}: {value}, as it was found", key=change.key, value=now), width, "ok", indent=2)
    if now == " ".join(change.proposed.split()):
        return wrap_rows(_("{key}: {value}, as it was tried", key=change.key, value=now), width, "accent", indent=2)
    text = _("{key}: {value}, which is neither old nor new", key=change.key, value=now or "–")
    return wrap_rows(text, width, "warn", indent=2)
