"""Everything that the wizard's screen shows, frozen, and the page that shows it."""

from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from analysis.compare import Comparison as Paths
from analysis.compare import Meaning
from tui.panes.wizard import Page, goal_page, metric_page, plan_page, waiting_page
from tui.panes.wizard_outcome import apply_page, decide_page, end_page
from tui.panes.wizard_review import review_page
from tui.text import _
from tui.tune.measure import Choice, Tcp
from tui.widgets.runs import Glyphs
from tuning.conflicts import Setter
from tuning.verify import Comparison, Outcome
from tuning.wizard import Answer, Wizard, proposed

_OUTCOMES: Final[dict[Meaning, Outcome]] = {
    "better": "better",
    "worse": "worse",
    "same": "no difference",
    "unclear": "too few",
}


class Scene(msgspec.Struct, frozen=True):
    """The step machine, and what the screen knows beside it. Times are sample times in ns."""

    wizard: Wizard
    part: Literal["goal", "metric"] = "goal"
    """Which half of the first step is asked."""
    goal: int = 0
    choices: tuple[Choice, ...] = ()
    metric: int = 0
    """Index of the choice; after the last one: none."""
    cursor: int = 0
    """Which change of the review."""
    others: tuple[Setter, ...] = ()
    facts: int = 0
    paths: Paths | None = None
    tcp: Tcp = Tcp()
    values: tuple[str | None, ...] = ()
    """What the settings of the plan are now."""
    at_ns: int = 0
    measuring_ns: tuple[int, int] = (0, 0)

    @property
    def choice(self) -> Choice | None:
        """Return the metric that decides, None where none was chosen."""
        return self.choices[self.metric] if self.metric < len(self.choices) else None

    @property
    def comparison(self) -> Comparison | None:
        """Return before and after of the metric; for a path they are those of the comparison of sessions.

        That one knows that neighbouring probes are alike.
        """
        compared, choice = self.wizard.comparison, self.choice
        if compared is None or choice is None or choice.path is None:
            return compared
        found = {path.path: path.measures for path in self.paths.paths} if self.paths else {}
        latency = next((m for m in found.get(choice.path, ()) if m.name == "latency"), None)
        if latency is None:
            return replace(compared, outcome="too few")
        before, after = (None if us is None else us / 1000 for us in (latency.a, latency.b))
        return replace(compared, before=before, after=after, outcome=_OUTCOMES[latency.meaning])

    @property
    def answer(self) -> Answer:
        """Return the answer that Enter gives: never to keep what made any path worse."""
        paths = self.paths.paths if self.paths else ()
        worse = any(measure.meaning == "worse" for path in paths for measure in path.measures)
        better = self.comparison is not None and self.comparison.outcome == "better"
        answer = proposed(self.wizard)
        return "roll back" if answer == "keep" and (worse or not better) else answer


def page(scene: Scene, width: int, glyphs: Glyphs) -> Page:
    """Return what the right side shows."""
    wizard = scene.wizard
    if wizard.order is not None:
        text = _("Keeping …") if wizard.order == "confirm" else _("Putting back …")
        return waiting_page(text, 0, 0, width, glyphs)
    match wizard.stage:
        case "goal" if scene.part == "goal":
            return goal_page(scene.goal, width, glyphs)
        case "goal":
            return metric_page(scene.choices, scene.metric, width, glyphs)
        case "plan" if wizard.advice is not None:
            return plan_page(wizard, wizard.advice, scene.facts, width, glyphs)
        case "review":
            return review_page(wizard, scene.others, scene.cursor, width, glyphs)
        case "apply":
            return apply_page(wizard, width)
        case "decide":
            return decide_page(wizard, scene.comparison, scene.paths, scene.tcp, scene.answer, width)
        case "end":
            return end_page(wizard, scene.values, width)
        case _:
            return _waiting(scene, width, glyphs)


def _waiting(scene: Scene, width: int, glyphs: Glyphs) -> Page:
    start_ns, end_ns = scene.measuring_ns
    passed, whole = scene.at_ns - start_ns, end_ns - start_ns
    match scene.wizard.stage:
        case "facts":
            return waiting_page(_("Reading the facts of this box …"), 0, 0, width, glyphs)
        case "baseline":
            text = _("Measuring how it is now, before anything is changed …")
        case _:
            text = _("The change is in force. Measuring again …  r: put everything back now.")
    return waiting_page(text, passed, whole, width, glyphs)
