"""Where advice comes from: this box, watched for some seconds, or a recorded one."""

import os
from pathlib import Path

import msgspec

from analysis.advice.engine import advise
from analysis.advice.plan import Goal, Plan
from analysis.advice.situation import Bond, Shape
from analysis.model import Model
from analysis.samples import Fact
from analysis.settings import Settings
from collectors.clock import Clock
from tui.cli import CommandError
from tui.text import tell
from tuning.session import SSH, connection


class Wish(msgspec.Struct, frozen=True):
    """What the person asks for beyond a goal."""

    shape: Shape | None = None
    bond: Bond | None = None


class Advised(msgspec.Struct, frozen=True):
    """Advice with the facts it rests on."""

    plan: Plan
    facts: dict[str, Fact]


def of_this_box(
    settings: Settings, goal: Goal, wanted_bps: int | None, for_s: float, wish: Wish, *, status: bool
) -> tuple[Advised, bool]:
    """Watch this box for `for_s` seconds; return the advice, and whether all of the time has passed."""
    from tui.report.live import fold_live

    if found := connection():
        os.environ[SSH] = found  # sudo does not hand it on, and the facts look for it there
    clock, model = Clock(), Model(settings, goal=goal, wanted_bps=wanted_bps)
    whole = fold_live(
        model, settings, clock, for_s, status=status, enough=lambda: bool(model.situation(clock.now_ns()).facts)
    )
    return _advised(model, clock.now_ns(), wish), whole


def of_recorded_box(path: str, settings: Settings, goal: Goal, wanted_bps: int | None, wish: Wish) -> Advised:
    """Return the advice for a recorded tree of files, a folder or an archive."""
    from collectors.recorded_box import read_box
    from collectors.session.header import Unreadable

    model = Model(settings, goal=goal, wanted_bps=wanted_bps)
    try:
        samples = read_box(Path(path))
    except Unreadable as unreadable:
        raise CommandError(tell(unreadable.problem)) from unreadable
    for sample in samples:
        model.fold(sample)
    return _advised(model, samples[-1].t, wish)


def _advised(model: Model, at_ns: int, wish: Wish) -> Advised:
    situation = msgspec.structs.replace(model.situation(at_ns), shape=wish.shape, bond=wish.bond)
    return Advised(advise(situation), situation.facts)
