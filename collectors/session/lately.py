"""Kinds of which a view shows only the latest: the last lines are kept as they are read, and only those decoded."""

from collections import deque
from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Final

from analysis.box import GROWTH_NS
from analysis.samples import Sample
from analysis.view import SPANS_NS
from collectors.session.lines import Stamp
from collectors.session.reader import SessionFile

SLACK_NS: Final = 5 * 10**9
"""Samples are recorded in the order of their arrival; none arrives later than this after its time."""
SHOWN_NS: Final = SPANS_NS[0]
"""How much of the captured flows `Lately` keeps: what the shortest graph shows."""
LATELY_NS: Final[Mapping[bytes, int]] = {
    **dict.fromkeys((b"host", b"tcp", b"rdma", b"nic"), GROWTH_NS),
    b"roce": SHOWN_NS,
}
"""By kind, how far before the last sample of it a view looks. Nothing but views looks at these kinds."""


class Lately:
    """The lines of those kinds that `analysis.box.Recent` would still hold, as a suffix of what was taken."""

    def __init__(self) -> None:
        self._held: dict[bytes, deque[tuple[int, SessionFile, bytes]]] = {kind: deque() for kind in LATELY_NS}

    def takes(self, file: SessionFile, line: bytes, stamp: Stamp) -> bool:
        """Take a line if it is of one of those kinds; return whether it was."""
        kind, t = stamp
        held = self._held.get(kind)
        if held is None:
            return False
        held.append((t, file, line))
        before = t - LATELY_NS[kind] - SLACK_NS
        while len(held) > 2 and held[1][0] <= before:
            held.popleft()
        return True

    def samples(self) -> Iterator[tuple[SessionFile, Sample]]:
        """Yield what was kept and where it comes from, each kind in time order."""
        for held in self._held.values():
            for _, file, line in sorted(held, key=itemgetter(0)):
                if (sample := file.decode(line)) is not None:
                    yield file, sample
