"""The wizard's steps and its first pages, as rows of text: goal, waiting, plan."""

from datetime import datetime
from statistics import median
from typing import Final

import msgspec

from analysis.advice.plan import Goal, Plan, Recommendation
from analysis.units import SECOND_NS, duration, significant
from tui.panes.advice import silent_rules
from tui.severity import glyph, of_advice, role
from tui.text import N_, _, named, tell
from tui.tune.measure import Choice
from tui.widgets.clean import clean
from tui.widgets.runs import Glyphs, Role, Row
from tui.widgets.wrap import wrap_rows
from tuning.verify import Answer
from tuning.wizard import STAGES, Stage, Wizard

GOALS: Final[tuple[tuple[Goal, str, str], ...]] = (
    (
        "long-path",
        N_("Rent GPUs over a long path"),
        N_("Far away, with delay and perhaps loss: one TCP flow is to fill the line."),
    ),
    (
        "lossless-fabric",
        N_("A lossless training fabric"),
        N_("RoCE between nodes of a cluster: no packet may be lost or sent again."),
    ),
    (
        "inference-across-sites",
        N_("Inference across sites"),
        N_("Short answers, soon: latency counts more than rate."),
    ),
    ("storage", N_("A storage plane"), N_("Many large transfers between machines that are near.")),
    (
        "none",
        N_("Just show me everything"),
        N_("Only what was measured here; nothing is assumed about the box's use."),
    ),
)
STEPS: Final[dict[Stage, str]] = {
    "goal": N_("Goal"),
    "facts": N_("Facts"),
    "baseline": N_("Baseline"),
    "plan": N_("Plan"),
    "review": N_("Review"),
    "apply": N_("Apply"),
    "verify": N_("Verify"),
    "decide": N_("Keep or roll back"),
}
ANSWERS: Final[dict[Answer, tuple[str, Role]]] = {
    "answers": (N_("answers"), "ok"),
    "silent": (N_("silent"), "warn"),
    "unknown": (N_("not known"), "dim"),
}
_SIGNS: Final[dict[Glyphs, tuple[str, str, str]]] = {"unicode": ("✓", "▸", "·"), "ascii": ("+", ">", ".")}
_DOTS: Final[dict[Glyphs, tuple[str, str]]] = {"unicode": ("◉", "○"), "ascii": ("(*)", "( )")}
_BAR: Final[dict[Glyphs, tuple[str, str]]] = {"unicode": ("█", "░"), "ascii": ("#", ".")}
_BAR_WIDTH: Final = 30


class Page(msgspec.Struct, frozen=True):
    """Rows, and which of them must be seen: where the cursor is, up to and without `end`."""

    rows: tuple[Row, ...]
    cursor: int = 0
    end: int = 0


def step_rows(stage: Stage, glyphs: Glyphs) -> tuple[Row, ...]:
    """Return the list of steps: done, the one that we are in, and those to come."""
    at = STAGES.index(stage)
    done, here, ahead = _SIGNS[glyphs]
    signs: dict[bool, tuple[str, Role]] = {True: (done, "ok"), False: (ahead, "dim")}
    rows: list[Row] = []
    for number, name in enumerate(STEPS.values()):
        sign, role_ = signs[number < at]
        text: Role = "plain" if number < at else "dim"
        rows.append(((f"{here} {_(name)}", "accent"),) if number == at else ((f"{sign} ", role_), (_(name), text)))
    return tuple(rows)


def where_row(stage: Stage) -> Row:
    """Return the step as one line, for where the list has no room."""
    if stage == "end":
        return ((_("The end"), "accent"),)
    where = _("step {n} of {all}", n=STAGES.index(stage) + 1, all=len(STEPS))
    return (_(STEPS[stage]), "accent"), (f"  {where}", "dim")


def goal_page(chosen: int, width: int, glyphs: Glyphs) -> Page:
    """Return what the box can be meant for; the cursor is the choice."""
    rows = [*title(_("What is this box for?")), ()]
    start = end = 0
    for number, (_goal, name, meaning) in enumerate(GOALS):
        if number == chosen:
            start, end = len(rows), len(rows) + 2
        rows.append(_option(_(name), number == chosen, glyphs))
        rows += wrap_rows(f"    {_(meaning)}", width, "dim", indent=4)
    return Page(
        (*rows, (), *keys(_("Enter: go on. Nothing is changed before you have reviewed it."), width)), start, end
    )


def metric_page(choices: tuple[Choice, ...], chosen: int, width: int, glyphs: Glyphs) -> Page:
    """Return what can be measured; one of it will decide whether a change is any good. The last choice is none."""
    rows = [*title(_("What should get better?"))]
    rows += wrap_rows(_("It is measured before and after, and decides whether keeping is proposed."), width, "dim")
    rows.append(())
    names = [clean(tell(choice.metric.name)) for choice in choices]
    names.append(_("none of these: rolling back is then proposed"))
    at = len(rows) + chosen
    rows += [_option(name, number == chosen, glyphs) for number, name in enumerate(names)]
    return Page((*rows, (), *keys(_("Enter: go on."), width)), at, at + 1)


def _option(text: str, chosen: bool, glyphs: Glyphs) -> Row:
    dot = _DOTS[glyphs][not chosen]
    return ((f"{dot} {text}", "cursor" if chosen else "plain"),)


def waiting_page(text: str, passed_ns: int, whole_ns: int, width: int, glyphs: Glyphs) -> Page:
    """Return what is waited for; with a bar where it is known how long that takes."""
    rows = wrap_rows(text, width)
    if whole_ns:
        left = duration(max(0, whole_ns - passed_ns) // SECOND_NS * SECOND_NS)
        rows += [(), (*bar(passed_ns / whole_ns, glyphs), (f"  {_('{time} left', time=left)}", "dim"))]
    return Page(tuple(rows))


def bar(ratio: float, glyphs: Glyphs, role_: Role = "accent") -> Row:
    """Return how much of something has passed."""
    full = round(max(0.0, min(1.0, ratio)) * _BAR_WIDTH)
    on, off = _BAR[glyphs]
    return (on * full, role_), (off * (_BAR_WIDTH - full), "dim")


def plan_page(wizard: Wizard, advice: Plan, facts: int, width: int, glyphs: Glyphs) -> Page:
    """Return what the advice rests on, what was measured, and every recommendation in two lines."""
    rows = [*title(_("Plan")), *_basis(advice, facts, width), *baseline_rows(wizard, width)]
    rows.append(())
    for advised in advice.recommendations:
        rows += _recommendation(advised, width, glyphs)
    if not advice.recommendations:
        rows += wrap_rows(_("Nothing measured asks for a change."), width, "ok")
    rows += [(), *wrap_rows(silent_rules(advice), width, "dim"), ()]
    if not advice.recommendations:
        return Page((*rows, *keys(_("Backspace: back. Nothing is changed."), width)))
    return Page((*rows, *keys(_("Enter: review every change. Nothing has been changed."), width)))


def _basis(advice: Plan, facts: int, width: int) -> list[Row]:
    at = datetime.fromisoformat(advice.facts_time).astimezone().strftime("%H:%M:%S")
    text = (
        _("{n} facts of this box, read at {time}.", n=facts, time=at) if facts else _("Nothing is known of the box.")
    )
    rows = wrap_rows(text, width, "plain" if facts else "warn")
    if advice.container:
        rows += wrap_rows(_("This is a container: some settings only its host can change."), width, "warn")
    return rows


def baseline_rows(wizard: Wizard, width: int) -> list[Row]:
    """Return what was measured before anything is changed."""
    before = wizard.before
    if before is None:
        return []
    rows = []
    if wizard.metric is not None:
        value = (
            _("too few measurements")
            if not before.values
            else _(
                "{value} {unit} (median of {n})",
                value=significant(median(before.values)),
                unit=wizard.metric.unit,
                n=len(before.values),
            )
        )
        name = clean(tell(wizard.metric.name))
        rows += wrap_rows(_("Baseline: {metric}: {value}.", metric=name, value=value), width)
    for name, answer in ((_("gateway"), before.reach.gateway), (_("your session"), before.reach.peer)):
        text, role_ = ANSWERS[answer]
        rows.append(((named(name, ""), "dim"), (_(text), role_)))
    return rows


def _recommendation(advised: Recommendation, width: int, glyphs: Glyphs) -> list[Row]:
    severity = of_advice(advised.severity)
    head = f"{glyph(severity, glyphs)} {advised.id} {tell(advised.title)}  [{advised.risk}]"
    return [
        *wrap_rows(head, width, role(severity), indent=2),
        *wrap_rows(f"  {tell(advised.effect)}", width, "dim", 2),
    ]


def title(text: str) -> list[Row]:
    """Return a page's heading."""
    return [((text, "head"),)]


def keys(text: str, width: int) -> list[Row]:
    """Return what can be done on a page."""
    return wrap_rows(text, width, "accent")
