"""Which TTLs of a path are probed: all of them at first, then as far as the target, every flow in turn. Pure."""

from typing import Final

MAX_TTL: Final = 30
BEYOND: Final = 5
"""So far behind the last hop that answers a target that does not is looked for."""
AGAIN: Final = 2
"""How often hops that have not answered at all are asked again at the beginning."""

Step = tuple[int, int]
"""(TTL, flow)."""


class Course:
    """What is known of where one path's flows end."""

    def __init__(self, flows: int = 1, max_ttl: int = MAX_TTL, *, watch_target: bool = True) -> None:
        """`watch_target`: probe the target by every flow in every round, not only by the flow whose turn it is."""
        self.flows = flows
        self.distance: dict[int, int] = {}
        """The TTL at which each flow's target, or whoever bars the way, answers."""
        self._max_ttl = max_ttl
        self._watch_target = watch_target
        self._heard: dict[int, set[int]] = {}
        self._turn = 0

    def first(self) -> list[Step]:
        """Return the probes to begin with: every TTL there may be, so that one round trip tells the whole path."""
        return [(ttl, 0) for ttl in range(1, self.end(0) + 1)]

    def again(self) -> list[Step]:
        """Return what has not been answered so far, as far as the path may reach."""
        heard = self._heard.get(0, set())
        return [(ttl, 0) for ttl in range(1, self.end(0) + 1) if ttl not in heard]

    def round(self) -> list[Step]:
        """Return the next round: every hop once, the flow changing from round to round."""
        flow = self._turn % self.flows
        self._turn += 1
        steps = [(ttl, flow) for ttl in range(1, self.end(flow) + 1)]
        if self._watch_target:
            steps += [(ttl, other) for other, ttl in sorted(self.distance.items()) if other != flow]
        return steps

    def answered(self, ttl: int, flow: int, *, final: bool) -> None:
        """Learn from an answer; `final`: nothing of this flow goes further than this TTL."""
        self._heard.setdefault(flow, set()).add(ttl)
        known = self.distance.get(flow)
        if final and (known is None or ttl < known):
            self.distance[flow] = ttl
        elif not final and known is not None and ttl >= known:
            del self.distance[flow]  # the path has become longer

    def is_worth(self, ttl: int, flow: int) -> bool:
        """Tell whether a step planned earlier is still not known to lead behind the target."""
        return ttl <= self.distance.get(flow, ttl)

    def end(self, flow: int) -> int:
        """Return the last TTL worth asking."""
        known = self.distance.get(flow)
        if known is not None:
            return known
        if self.distance:
            return min(self._max_ttl, max(self.distance.values()) + (BEYOND if flow in self._heard else 0))
        heard = [ttl for ttls in self._heard.values() for ttl in ttls]
        return min(self._max_ttl, max(heard) + BEYOND) if heard else self._max_ttl

    @property
    def known(self) -> bool:
        """Whether every hop up to the target has answered."""
        end = self.distance.get(0)
        return end is not None and len([ttl for ttl in self._heard.get(0, ()) if ttl <= end]) == end
