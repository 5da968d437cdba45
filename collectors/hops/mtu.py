"""The search for a path's MTU: which sizes to try next, from what became of the last ones. Pure.

ICMP's word is tried first and proven; where nothing is said the sizes between are searched, several at a time.
RFC 1191 and 8201 say how routers tell; RFC 2923 what happens where they do not; RFC 8899 how to search.
"""

from typing import Final

import msgspec

MOST: Final = 9216
LEAST: Final = {4: 576, 6: 1280}
"""What every link must carry, or reassemble (RFC 791; RFC 8200, 5)."""
AT_ONCE: Final = 8
USUAL: Final = (1280, 1400, 1420, 1440, 1450, 1460, 1472, 1476, 1480, 1492, 1500, 4470, 9000)
"""MTUs that links and tunnels have: tried before the numbers between."""


class Verdict(msgspec.Struct, frozen=True):
    """What became of one size: passed, told to be too big (with what ICMP says fits), or not answered at all."""

    passed: bool = False
    told: bool = False
    mtu: int | None = None
    sender: str | None = None


class MtuSearch:
    """Keeps the largest size that passed and the smallest that did not; `sizes` is empty when they are neighbours."""

    def __init__(self, family: int, most: int = MOST) -> None:
        self.passed: int | None = None
        self.refused: int | None = None
        self.said_mtu: int | None = None
        self.said_by: str | None = None
        self.local_mtu: int | None = None
        self._least = LEAST[family]
        self._most = most
        self._silent: set[int] = set()
        self._confirmed: set[int] = set()

    @property
    def black_hole(self) -> bool:
        """Whether the smallest refused size vanished without a word, where smaller ones pass."""
        return self.passed is not None and self.refused is not None and self.refused in self._silent

    def sizes(self) -> tuple[int, ...]:
        """Return the sizes to try now, empty when the answer is known and proven."""
        if self.passed is None and self.refused is None:
            return self._least, self._most
        if self.passed is None:
            return ()  # not even the least: no statement
        if self.refused is None:
            return () if self.passed >= self._most else (self._most,)
        if self.refused - self.passed == 1:
            return (self.refused,) if self.black_hole and self.refused not in self._confirmed else ()
        said = self.said_mtu
        if said is not None and self.passed < said < self.refused:
            return tuple(size for size in (said, said + 1) if size < self.refused)
        return _between(self.passed, self.refused)

    def limit(self, local_mtu: int) -> None:
        """Learn that this box lets out no more than `local_mtu` bytes."""
        self.local_mtu = local_mtu
        self._most = min(self._most, local_mtu)

    def judge(self, verdicts: dict[int, Verdict]) -> None:
        """Learn what became of sizes. What passed is proven: a lost probe cannot undo it."""
        largest = max((size for size, verdict in verdicts.items() if verdict.passed), default=None)
        if largest is not None and (self.passed is None or largest > self.passed):
            self.passed = largest
            if self.refused is not None and self.refused <= largest:
                self.refused = None
        for size in sorted(verdicts, reverse=True):
            verdict = verdicts[size]
            if verdict.passed or (self.passed is not None and size <= self.passed):
                continue
            if verdict.told:
                self.said_mtu, self.said_by = verdict.mtu or self.said_mtu, verdict.sender
                self._silent.discard(size)
            else:
                if size in self._silent:
                    self._confirmed.add(size)
                self._silent.add(size)
            if self.refused is None or size < self.refused:
                self.refused = size


def _between(low: int, high: int) -> tuple[int, ...]:
    """Return sizes that cut (low, high) into parts: the usual ones at first, and each with its successor."""
    usual = [size for mtu in USUAL if low < mtu < high for size in (mtu, mtu + 1) if size < high]
    if usual and high - low > 2 * len(usual):
        return tuple(dict.fromkeys(usual[-AT_ONCE * 2 :]))
    parts = min(AT_ONCE, high - low - 1)
    return tuple(sorted({low + (high - low) * part // (parts + 1) for part in range(1, parts + 1)} - {low}))
