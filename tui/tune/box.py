"""The box that longpipe runs on, as the wizard asks and changes it. A recording has none."""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from analysis.text import N_, say
from tuning.client import Execution, may_apply
from tuning.conflicts import Setter, conflicts
from tuning.failure import Refused
from tuning.host import Host
from tuning.knobs.registry import KNOBS
from tuning.plan import Wanted
from tuning.reports import Order, Report
from tuning.session import connection, peer_of, session_path
from tuning.verify import Reach, reach
from tuning.wizard import Applier, Ended, Event, Reported


class Box(Applier, Protocol):
    """What the wizard asks of a live box; everything but `may_change` and `start` may take some seconds."""

    @property
    def may_change(self) -> bool:
        """Whether what applies a plan would get the privilege that it needs."""
        ...

    def management(self) -> tuple[str, ...]:
        """Return the interfaces that carry the person's session."""
        ...

    def reach(self) -> Reach:
        """Return what answers now."""
        ...

    def others(self, changes: Sequence[Wanted]) -> tuple[Setter, ...]:
        """Return who else sets what would be changed."""
        ...

    def values(self, changes: Sequence[Wanted]) -> tuple[str | None, ...]:
        """Return what the settings are now, None for what cannot be read."""
        ...


class ThisBox:
    """The running kernel, changed by the executor alone."""

    def __init__(self) -> None:
        self._host = Host()

    @property
    def may_change(self) -> bool:
        """Whether we are root, or sudo lets us without a password."""
        return may_apply()

    def management(self) -> tuple[str, ...]:
        """Return the interfaces that carry the person's session."""
        return session_path(self._host, peer_of(connection()))

    def reach(self) -> Reach:
        """Return what answers now."""
        return reach(self._host, peer_of(connection()))

    def others(self, changes: Sequence[Wanted]) -> tuple[Setter, ...]:
        """Return who else sets what would be changed."""
        return conflicts(self._host, changes)

    def values(self, changes: Sequence[Wanted]) -> tuple[str | None, ...]:
        """Return what the settings are now, None for what cannot be read."""
        return tuple(self._value(change) for change in changes)

    def _value(self, change: Wanted) -> str | None:
        try:
            return KNOBS[change.knob].read(self._host, change.key)
        except Refused:
            return None

    def start(self, order: Order, tell: Callable[[Event], None]) -> None:
        """Start the executor and listen to it on a thread of its own."""
        threading.Thread(target=_listen, args=(order, tell), name="longpipe-executor", daemon=True).start()


def _listen(order: Order, tell: Callable[[Event], None]) -> None:
    try:
        execution = Execution(order)
        for report in execution:
            tell(Reported(report))
    except (OSError, msgspec.DecodeError) as failure:
        why = say(N_("The executor could not be listened to: {why}."), why=failure)
        tell(Reported(Report("refused", text=why, trouble=True)))
        tell(Ended(False))
    else:
        tell(Ended(execution.code == 0))
