"""The wizard's review: every change as a diff with all that speaks for it, then what is for a person to do."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from analysis.advice.plan import Change, Plan, Recommendation, Risk, Scope
from analysis.text import Sentence
from tui.panes.wizard import Page, keys, title
from tui.text import N_, _, named, tell
from tui.widgets.clean import clean
from tui.widgets.runs import Glyphs, Role, Row
from tui.widgets.wrap import wrap_rows
from tuning.conflicts import Setter
from tuning.failure import Refused
from tuning.plan import Wanted, risk_of, wanted_from
from tuning.wizard import Wizard

RISKS: Final[dict[Risk, tuple[str, Role]]] = {
    "R0": (N_("no effect on traffic"), "ok"),
    "R1": (N_("a moment's disturbance"), "plain"),
    "R2": (N_("can cut the path of your session"), "warn"),
    "R3": (N_("needs a reboot or a driver reload"), "warn"),
    "R4": (N_("affects other machines"), "warn"),
}
SCOPES: Final[dict[Scope, str]] = {
    "host": N_("the whole host"),
    "read-only": N_("read-only in this container"),
    "copied": N_("copied when a network namespace is made"),
    "netns": N_("this network namespace"),
    "device": N_("one device"),
    "login": N_("new logins"),
    "application": N_("one application"),
    "fabric": N_("other machines too"),
}
_BY_HAND: Final = frozenset({"R3", "R4"})
_BOXES: Final[dict[Glyphs, tuple[str, str, str]]] = {"unicode": ("[✓]", "[ ]", "[–]"), "ascii": ("[x]", "[ ]", "[-]")}


class Item(msgspec.Struct, frozen=True):
    """One change that longpipe could try, with the advice that it belongs to."""

    wanted: Wanted
    change: Change
    advised: Recommendation
    risk: Risk


def items(wizard: Wizard) -> tuple[Item, ...]:
    """Return the changes that can be chosen, in the order of the advice; what is for a person is not among them."""
    found = []
    for advised in wizard.advice.recommendations if wizard.advice else ():
        for wanted, change in zip(wanted_from((advised,)), advised.changes, strict=True):
            risk = _risk(wanted, wizard.management)
            if risk not in _BY_HAND:
                found.append(Item(wanted, change, advised, risk))
    return tuple(found)


def _risk(wanted: Wanted, management: Sequence[str] | None) -> Risk:
    try:
        return risk_of(wanted, management)
    except Refused:
        return wanted.risk


def review_page(wizard: Wizard, others: Sequence[Setter], cursor: int, width: int, glyphs: Glyphs) -> Page:
    """Return every change in full; the one at `cursor` is what the space bar leaves out."""
    found = items(wizard)
    accepted, refused = wizard.sorted_out
    why: dict[tuple[str, str], Sentence] = {
        (refusal.wanted.knob, refusal.wanted.key): refusal.why for refusal in refused
    }
    rows: list[Row] = [*title(_("Review: {n} of {all} changes would be tried", n=len(accepted), all=len(found))), ()]
    start = end = 0
    for number, item in enumerate(found):
        if number == cursor:
            start = len(rows)
        rows += [*_item_rows(item, wizard, why, others, number == cursor, width, glyphs), ()]
        if number == cursor:
            end = len(rows)
    if not found:
        rows += [*wrap_rows(_("There is nothing here that longpipe could change."), width), ()]
    rows += by_hand_rows(wizard.advice, found, width)
    if accepted:
        rows += keys(
            _("a: try the chosen changes; you are asked once more.  Backspace: back, nothing is changed."), width
        )
    else:
        rows += keys(_("Backspace: back. Nothing is changed."), width)
    return Page(tuple(rows), start, end)


def _item_rows(
    item: Item,
    wizard: Wizard,
    why: Mapping[tuple[str, str], Sentence],
    others: Sequence[Setter],
    here: bool,
    width: int,
    glyphs: Glyphs,
) -> Iterator[Row]:
    place = item.wanted.knob, item.wanted.key
    refusal = why.get(place)
    box = _BOXES[glyphs][1 if place in wizard.left_out else 2 if refusal else 0]
    yield ((f"{box} {item.advised.id} {clean(item.change.key)}", "cursor" if here else "accent"),)
    if refusal:
        yield from wrap_rows(f"    {tell(refusal)}", width, "warn", indent=4)
    yield from wrap_rows(f"    - {clean(item.change.current)}", width, "bad", indent=6)
    yield from wrap_rows(f"    + {clean(item.change.proposed)}", width, "ok", indent=6)
    yield from wrap_rows(f"    {tell(item.change.meaning)}; {tell(item.advised.effect)}", width, indent=4)
    for setter in others:
        if setter.key == item.change.key:
            yield from wrap_rows(f"    {tell(setter.text)}", width, "warn", indent=4)
    yield from _reasons(item, width)


def _reasons(item: Item, width: int) -> Iterator[Row]:
    advised = item.advised
    for evidence in advised.evidence:
        text = f"{evidence.fact} = {evidence.value} ({tell(evidence.source)})"
        yield from _named(_("why"), text, width)
    told = tell(advised.formula)
    if told:
        yield from _named(_("formula"), told, width)
    if advised.authority:
        yield from _named(_("authority"), "; ".join(advised.authority), width)
    meaning, role = RISKS[item.risk]
    yield from _named(_("risk"), named(item.risk, _(meaning)), width, role)
    yield from _named(_("scope"), _(SCOPES[advised.scope]), width)
    yield from _named(_("undo by hand"), item.change.undo, width)


def _named(name: str, text: str, width: int, role: Role = "dim") -> list[Row]:
    return wrap_rows(f"    {named(name, text)}", width, role, indent=6)


def by_hand_rows(advice: Plan | None, found: Sequence[Item], width: int) -> Iterator[Row]:
    """Yield what longpipe never does itself, as numbered instructions."""
    chosen = {(item.wanted.knob, item.wanted.key) for item in found}
    number, any_yet = 0, False
    for advised in advice.recommendations if advice else ():
        rest = [change for change in advised.changes if (change.knob, change.key) not in chosen]
        if not rest and not advised.instructions:
            continue
        if not any_yet:
            any_yet = True
            yield from title(_("For you to do"))
        meaning, role = RISKS[advised.risk]
        yield from wrap_rows(f"{advised.id} {tell(advised.title)}", width, "accent")
        yield from wrap_rows(f"    {named(advised.risk, _(meaning))}", width, role, indent=4)
        for change in rest:
            yield from wrap_rows(f"    {change.key}", width, indent=4)
            yield from wrap_rows(f"    - {change.current}", width, "bad", indent=6)
            yield from wrap_rows(f"    + {change.proposed}", width, "ok", indent=6)
        for instruction in advised.instructions:
            number += 1
            yield from wrap_rows(f"{number:>3}. {tell(instruction)}", width, indent=5)
        yield ()
