"""Leads through the wizard: keeps the scene, does the work that the step machine asks for, draws nothing."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, Literal, TypeAlias

from msgspec.structs import replace

from analysis.advice.engine import advise
from analysis.compare import compare
from tui.feed import Feed
from tui.panes.wizard_scene import Scene
from tui.text import _
from tui.tune.box import Box
from tui.tune.measure import Stretch, choices, stretch, tcp_differs, values
from tuning.client import applying
from tuning.plan import Request, request
from tuning.reports import Order
from tuning.verify import Reach
from tuning.wizard import Event, Found, Measured, TimeOver, Wizard, Work, after, work

MEASURE_NS: Final = 40 * 10**9
"""How long is measured before, and again after: enough looks at TCP for a verdict. Of the two minutes to confirm most
is left."""
SETTLE_NS: Final = 2 * 10**9
"""Answers that come this soon after a change may be to probes sent before it."""
UNDER_WAY: Final = frozenset({"apply", "verify", "decide"})
_LOOK_BACK_NS: Final = 60 * 10**9
_CONTROL: Final = "net.ipv4.tcp_congestion_control"
_UNKNOWN: Final = Reach("unknown", "unknown")
Group: TypeAlias = Literal["work", "others", "values"]
Run: TypeAlias = Callable[[Coroutine[Any, Any, None] | None, Group], None]
"""Runs something beside the screen, in place of what runs in its group; None only ends that."""


class Guide:
    """The scene and how it goes on. `changed` is called after each change of it, `run` runs what takes time."""

    def __init__(
        self,
        feed: Feed,
        box: Box | None,
        tool: str,
        *,
        run: Run,
        changed: Callable[[], None],
        measure_ns: int = MEASURE_NS,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.scene = Scene(Wizard(replay=box is None))
        self.box = box
        self.now_ns = now_ns
        self._feed = feed
        self._tool = tool
        self._run = run
        self._changed = changed
        self._measure_ns = measure_ns
        self._before: Stretch | None = None
        self._ticked = asyncio.Event()

    def tick(self) -> None:
        """Let time pass: measuring goes on, the countdown too."""
        wizard = self.scene.wizard
        self._ticked.set()
        self.change(at_ns=self._at_ns)
        if wizard.stage in UNDER_WAY and 0 < wizard.deadline_ns <= self.now_ns():
            self.take(TimeOver())
        elif wizard.stage == "end" and wizard.request is not None:
            self._run(self._read_again(wizard.request), "values")

    def change(self, **fields: Any) -> None:  # noqa: ANN401 - the fields of Scene
        """Change what the scene shows beside the step machine."""
        self.scene = replace(self.scene, **fields)
        self._changed()

    def take(self, event: Event) -> None:
        """Hand an event to the step machine and do what it asks for next."""
        before = self.scene.wizard
        wizard = after(before, event)
        self.change(wizard=wizard)
        if (wizard.stage, wizard.order) == (before.stage, before.order):
            return
        self._mark(wizard)
        if wizard.stage == "review":
            self._run(self._look_for_others(wizard), "others")
        self._work(work(wizard), wizard)

    def ask_metric(self) -> None:
        """Find out what can be measured, and ask which of it counts."""
        found = choices(stretch(self._feed.player.timeline.store, self._at_ns - _LOOK_BACK_NS, self._at_ns))
        self.change(part="metric", choices=found, metric=0)

    def asked(self) -> Request:
        """Return the plan as it was reviewed."""
        wizard = self.scene.wizard
        return request(wizard.sorted_out[0], wizard.management, goal=wizard.goal)

    @property
    def _at_ns(self) -> int:
        return self._feed.player.timeline.at_ns

    def _mark(self, wizard: Wizard) -> None:
        """Leave marks in the recording: a trial can be replayed, and compared again."""
        if wizard.request is None or wizard.order is not None:
            return
        texts = {
            "apply": _("trying plan {plan}", plan=wizard.request.id),
            "verify": _("plan {plan} is in force", plan=wizard.request.id),
            "end": _("the trial of plan {plan} has ended", plan=wizard.request.id),
        }
        if wizard.stage in texts:
            self._feed.mark(texts[wizard.stage])

    def _work(self, wanted: Work | None, wizard: Wizard) -> None:
        """Begin what the step machine waits for; what was begun before is of no more interest."""
        if wanted == "read facts":
            self._run(self._find(wizard), "work")
        elif wanted == "measure":
            self._run(self._measure(first=wizard.stage == "baseline"), "work")
        else:
            self._run(None, "work")
        if self.box is None or wizard.request is None:
            return
        if wanted == "apply":
            self.box.start(applying(wizard.request, self._tool), self._hear())
        elif wanted in {"confirm", "rollback"}:
            self.box.start(Order(wanted, self._tool, plan=wizard.request.id), self._hear())

    def _hear(self) -> Callable[[Event], None]:
        """Return what takes an event from any thread; once the screen is gone nobody listens."""
        loop = asyncio.get_running_loop()

        def hear(event: Event) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self.take, event)

        return hear

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self._ticked.clear()
            await self._ticked.wait()

    async def _find(self, wizard: Wizard) -> None:
        """Advise for the goal; on a live box once there are facts."""
        timeline = self._feed.player.timeline
        management = None if self.box is None else await asyncio.to_thread(self.box.management)
        await self._until(lambda: self.box is None or bool(timeline.situation().facts))
        situation = timeline.situation()
        self.change(facts=len(situation.facts), cursor=0, others=())
        self.take(Found(advise(replace(situation, goal=wizard.goal)), management))

    async def _measure(self, *, first: bool) -> None:
        """Observe for a while; what was observed already need not be waited for."""
        timeline = self._feed.player.timeline
        span = timeline.store.span() or (self._at_ns, self._at_ns)
        start_ns = max(span[0], self._at_ns - self._measure_ns) if first else self._at_ns + SETTLE_NS
        end_ns = start_ns + self._measure_ns
        self.change(measuring_ns=(start_ns, end_ns), at_ns=self._at_ns)
        reach = _UNKNOWN if self.box is None else await asyncio.to_thread(self.box.reach)
        await self._until(lambda: self.box is None or self._at_ns >= end_ns)
        seen = stretch(timeline.store, start_ns, end_ns)
        if first:
            self._before = seen
        elif self._before is not None:
            tcp = tcp_differs(self._before, seen, _control(self.scene.wizard))
            self.change(paths=compare(self._before.paths, seen.paths), tcp=tcp)
        choice = self.scene.choice
        self.take(Measured(reach, () if choice is None else values(choice, seen)))

    async def _look_for_others(self, wizard: Wizard) -> None:
        if self.box is not None:
            self.change(others=await asyncio.to_thread(self.box.others, wizard.changes))

    async def _read_again(self, asked: Request) -> None:
        if self.box is not None:
            self.change(values=await asyncio.to_thread(self.box.values, asked.changes))


def _control(wizard: Wizard) -> str | None:
    """Return the congestion control that the plan sets for new connections, None where it sets none."""
    changes = wizard.request.changes if wizard.request else ()
    return next((change.proposed for change in changes if change.key == _CONTROL), None)
