"""Loss without luck: which packets are lost is random, how many of them is not, whatever comes when."""

import random
from collections.abc import Hashable

DECK = 20


class Dealer:
    """Deals every kind of packet its own decks of `DECK` outcomes, each with exactly the stated share of losses.

    Kinds know nothing of each other: how a busy machine mixes their packets changes nothing for any of them.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._decks: dict[Hashable, tuple[random.Random, list[bool]]] = {}

    def is_lost(self, share: float, *kind: Hashable) -> bool:
        """Tell whether the next packet of a kind is lost; `kind` must look the same in every run (repr)."""
        if not share:
            return False
        if kind not in self._decks:
            self._decks[kind] = random.Random(f"{self._seed} {kind}"), []
        chance, deck = self._decks[kind]
        if not deck:
            deck += [at < round(share * DECK) for at in range(DECK)]
            chance.shuffle(deck)
        return deck.pop()
