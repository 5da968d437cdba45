"""The wizard on the screen: one step after the other, drawn from the scene that its guide keeps."""

import time
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.geometry import Region
from textual.screen import Screen

from analysis.view import Lens
from tui.actions import WIZARD, bindings
from tui.feed import Feed
from tui.panes.wizard import GOALS, step_rows, where_row
from tui.panes.wizard_outcome import countdown_row
from tui.panes.wizard_review import items
from tui.panes.wizard_scene import page
from tui.screens.confirm import APPLY, KEEP, ConfirmScreen
from tui.screens.detail import Detail, DetailScreen
from tui.screens.help import help_detail
from tui.text import _, tell
from tui.tune.box import Box
from tui.tune.guide import MEASURE_NS, UNDER_WAY, Group, Guide
from tui.tune.saved import for_root, save
from tui.widgets.clean import clean
from tui.widgets.keybar import KeyBar
from tui.widgets.lines import Lines
from tui.widgets.runs import Glyphs, Row
from tui.widgets.wrap import wrap_rows
from tuning.plan import Request
from tuning.wizard import Answer, Answered, Chosen, Toggled, Wizard, may_go_back

_TICK_S: Final = 0.5
_LEAST_WIDTH: Final = 20


class WizardScreen(Screen[None]):
    """One step after the other. `box`: what may be changed, None in a recording, which can only be planned for."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(WIZARD)]

    def __init__(
        self,
        feed: Feed,
        glyphs: Glyphs,
        box: Box | None,
        tool: str,
        *,
        measure_ns: int = MEASURE_NS,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        super().__init__()
        self._feed = feed
        self._glyphs: Glyphs = glyphs
        self._step: tuple[object, ...] = ()
        self.guide = Guide(feed, box, tool, run=self._beside, changed=self.draw, measure_ns=measure_ns, now_ns=now_ns)

    def compose(self) -> ComposeResult:
        """Make the lines, the list of steps and the page."""
        yield Lines(id="wizard-head")
        yield Lines(id="wizard-countdown")
        with Horizontal():
            yield Lines(id="wizard-steps")
            with VerticalScroll(id="wizard-page", can_focus=False):
                yield Lines(id="wizard-rows")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Look at the end of a live session, stand still in a recorded one, and begin."""
        player = self._feed.player
        if player.live:
            player.end()
        elif player.mode == "play":
            player.toggle()
        self.set_interval(_TICK_S, self.guide.tick)

    def on_resize(self) -> None:
        """Draw for the new size, the first one too."""
        self.call_after_refresh(self.draw)

    def _beside(self, work: Coroutine[Any, Any, None] | None, group: Group) -> None:
        if work is None:
            self.workers.cancel_group(self, group)
        else:
            self.run_worker(work, group=group, exclusive=True)

    def draw(self) -> None:
        """Draw the scene; not any more while the screen is being taken away under a worker."""
        if not (self.is_attached and self.app.is_running):
            return
        scene, wizard = self.guide.scene, self.guide.scene.wizard
        self.query_one("#wizard-head", Lines).show([self._head(wizard)])
        countdown = self.query_one("#wizard-countdown", Lines)
        countdown.display = wizard.stage in UNDER_WAY and wizard.deadline_ns > 0
        whole_s = wizard.request.deadman_s if wizard.request else 1
        row = countdown_row(wizard.deadline_ns, self.guide.now_ns(), whole_s, self._glyphs)
        countdown.show([((" ", "plain"), *row)])
        self.query_one("#wizard-steps", Lines).show(step_rows(wizard.stage, self._glyphs))
        view = self.query_one("#wizard-page", VerticalScroll)
        width = max(_LEAST_WIDTH, view.scrollable_content_region.width)
        note = [] if wizard.note is None else [*wrap_rows(tell(wizard.note), width, "bad"), ()]
        shown = page(scene, width, self._glyphs)
        lines = self.query_one("#wizard-rows", Lines)
        lines.styles.height = len(note) + len(shown.rows)
        lines.show([*note, *shown.rows])
        if self._step != (step := (wizard.stage, scene.part, wizard.order, wizard.note)):
            self._step = step
            view.scroll_home(animate=False)
            self.refresh_bindings()

    def _see_cursor(self) -> None:
        """Scroll so that what was chosen can be seen."""
        view = self.query_one("#wizard-page", VerticalScroll)
        shown = page(self.guide.scene, max(_LEAST_WIDTH, view.scrollable_content_region.width), self._glyphs)
        height = min(shown.end - shown.cursor, view.scrollable_content_region.height)
        view.scroll_to_region(Region(0, shown.cursor, 1, height), animate=False)

    def _head(self, wizard: Wizard) -> Row:
        """Return the first line; where there is no room for the list of steps, it says the step too."""
        left: Row = ((" longpipe  ", "accent"), (f"{clean(self._feed.host)}  ", "plain"), (_("wizard"), "head"))
        replayed: Row = ((f"  {_('recording: it can plan, but change nothing')}", "warn"),) if wizard.replay else ()
        narrow = self.has_class("-tiny") or self.has_class("-short")
        return (*left, ("  ", "plain"), *where_row(wizard.stage)) if narrow else (*left, *replayed)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:  # noqa: ARG002 - Textual's signature
        """Offer only what can be done at this step."""
        wizard = self.guide.scene.wizard
        match action:
            case "go_on":
                return wizard.stage in {"goal", "plan", "decide", "end"} and wizard.order is None
            case "back":
                return may_go_back(wizard) or self.guide.scene.part == "metric"
            case "leave_out" | "apply":
                return wizard.stage == "review"
            case "keep":
                return wizard.stage == "decide" and wizard.order is None
            case "roll_back":
                return wizard.stage in {"verify", "decide"} and wizard.order is None
            case _:
                return True

    def action_move(self, by: int) -> None:
        """Choose another line, or scroll where there is nothing to choose."""
        scene = self.guide.scene
        found = items(scene.wizard) if scene.wizard.stage == "review" else ()
        if scene.wizard.stage == "goal" and scene.part == "goal":
            self.guide.change(goal=_within(scene.goal + by, len(GOALS)))
        elif scene.wizard.stage == "goal":
            self.guide.change(metric=_within(scene.metric + by, len(scene.choices) + 1))
        elif found and 0 <= scene.cursor + by < len(found):
            self.guide.change(cursor=scene.cursor + by)
        else:
            self.query_one("#wizard-page").scroll_relative(y=by, animate=False)
            return
        self._see_cursor()

    def action_scroll(self, pages: int) -> None:
        """Scroll by whole pages."""
        view = self.query_one("#wizard-page")
        view.scroll_relative(y=pages * max(1, view.size.height - 1), animate=False)

    def action_go_on(self) -> None:
        """Give the answer that is proposed, which never changes the box by itself."""
        scene = self.guide.scene
        match scene.wizard.stage:
            case "goal" if scene.part == "goal":
                self.guide.ask_metric()
            case "goal":
                self.guide.change(part="goal")
                self.guide.take(Chosen(GOALS[scene.goal][0], scene.choice.metric if scene.choice else None))
                self.guide.take(Answered("next"))
            case "plan" | "decide":
                self._answer(scene.answer)
            case "end":
                self.dismiss()
            case _:
                pass

    def action_back(self) -> None:
        """Go back a step; nothing has been changed yet."""
        self.guide.change(part="goal")
        self.guide.take(Answered("back"))

    def action_leave_out(self) -> None:
        """Leave out the change under the cursor, or take it in again."""
        found = items(self.guide.scene.wizard)
        if found:
            self.guide.take(Toggled(found[self.guide.scene.cursor].wanted))

    def action_apply(self) -> None:
        """Ask for the word, then try what was chosen; without the privilege, say who can."""
        asked = self.guide.asked()
        if self.guide.box is None or not asked.changes:
            self.guide.take(Answered("next", asked))
        elif not self.guide.box.may_change:
            self._hand_over(asked)
        else:
            question = _(
                "Unless you confirm within {seconds} seconds, everything goes back by itself, "
                "also when this session dies.",
                seconds=asked.deadman_s,
            )
            confirm = ConfirmScreen(_("Changes to try: {n}", n=len(asked.changes)), question, APPLY)
            self.app.push_screen(confirm, lambda yes: self.guide.take(Answered("next", asked)) if yes else None)

    def _hand_over(self, asked: Request) -> None:
        """Save the plan and tell the command that may apply it."""
        try:
            path = save(asked)
        except OSError as failure:
            self.notify(_("The plan was not saved: {why}.", why=failure.strerror), severity="error", markup=False)
            return
        command = for_root("tune", "apply", "--saved", str(path), "--yes")

        def make(_view: object, width: int) -> Detail:
            rows: list[Row] = wrap_rows(_("longpipe runs without the privilege to change this box."), width, "warn")
            rows += wrap_rows(_("The reviewed plan was saved for you alone: {file}", file=path), width)
            rows += [(), *wrap_rows(_("Try it with this command; it checks everything again:"), width), ()]
            rows += wrap_rows(command, width, "accent")
            return Detail(_("For root"), tuple(rows))

        self.app.push_screen(DetailScreen(make, self._feed.player.timeline.view(Lens())))

    def action_keep(self) -> None:
        """Ask for the word, then keep it, for the next boot too."""
        self._answer("keep")

    def action_roll_back(self) -> None:
        """Put everything back."""
        self._answer("roll back")

    def _answer(self, answer: Answer) -> None:
        if answer != "keep":
            self.guide.take(Answered(answer))
            return
        question = _("The changes stay, and are made again at every boot. longpipe tune rollback puts them back.")
        confirm = ConfirmScreen(_("Keep it?"), question, KEEP)
        self.app.push_screen(confirm, lambda yes: self.guide.take(Answered("keep")) if yes else None)

    def action_leave(self) -> None:
        """Close the wizard, but not over a change that waits for an answer."""
        wizard = self.guide.scene.wizard
        if wizard.stage in UNDER_WAY:
            self.notify(_("A change is being tried: keep it (k) or put it back (r) first."), severity="warning")
        else:
            self.dismiss()

    def action_help(self) -> None:
        """Show the keys as they are bound now."""
        view = self._feed.player.timeline.view(Lens())
        self.app.push_screen(DetailScreen(lambda _view, width: help_detail(self, width), view))


def _within(index: int, count: int) -> int:
    return max(0, min(index, count - 1))
