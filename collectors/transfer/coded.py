"""Datagrams with forward error correction (zfec): blocks are really sent coded, and really decoded and compared."""

import time
from hashlib import shake_128
from statistics import median
from struct import Struct
from typing import Final

import msgspec

from analysis.text import N_, say
from collectors.transfer.datagrams import datagrams_of
from collectors.transfer.talk import Gone
from collectors.transfer.wire import DATAGRAM, Arrived, Ask, Decoded

WAITING: Final = 32
"""Blocks that may be incomplete at one time; older ones are given up."""
WAITS_KEPT: Final = 100_000
_INNER: Final = Struct("!Q")
"""Time of sending again, within what is protected: a restored datagram tells how long it took."""


def require() -> None:
    """Raise `Gone` where the library is missing."""
    try:
        import zfec  # noqa: F401
    except ImportError:
        text = N_("Error correction needs the package zfec here. Install it: {command}")
        raise Gone(say(text, command="pip install 'longpipe[fec]'")) from None


def content(token: bytes, number: int, size: int) -> bytes:
    """Return what datagram `number` of a test carries: noise that both ends can make."""
    return shake_128(token + number.to_bytes(8, "big")).digest(size)


class CodedSource:
    """Blocks of `ask.block` datagrams: `ask.needed` of data, then what is computed from them."""

    def __init__(self, ask: Ask, token: bytes) -> None:
        require()
        import zfec

        assert ask.needed  # noqa: S101 - checked where the request is
        assert ask.block  # noqa: S101 - likewise
        self.total = datagrams_of(ask)
        self.made = 0
        self._needed, self._block = ask.needed, ask.block
        self._encoder = zfec.Encoder(ask.needed, ask.block)
        self._token = token
        self._size = ask.payload_bytes - DATAGRAM.size
        self._shards: list[bytes] = []
        self._added: list[bytes] = []

    def make(self, first: int, count: int, now_ns: int) -> memoryview:
        """Return `count` datagrams; numbers are asked for one after the other."""
        self.made = first + count
        return memoryview(b"".join(self._datagram(number, now_ns) for number in range(first, first + count)))

    def _datagram(self, number: int, now_ns: int) -> bytes:
        place = number % self._block
        if place < self._needed:
            shard = _INNER.pack(now_ns) + content(self._token, number, self._size - _INNER.size)
            if not place:
                self._shards = []
            self._shards.append(shard)
        else:
            if place == self._needed:
                self._added = self._encoder.encode(self._shards, range(self._needed, self._block))
            shard = self._added[place - self._needed]
        return DATAGRAM.pack(self._token, number, now_ns) + shard


class _Block:
    """What is there of one block."""

    def __init__(self) -> None:
        self.shards: dict[int, bytes] = {}
        self.restored: dict[int, tuple[int, bool]] = {}
        """By place: how long it took in ns, and whether it is what was sent."""
        self.decoded = False


class Restorer:
    """Takes the datagrams that arrive and decodes every block as soon as enough of it is there."""

    def __init__(self, ask: Ask, token: bytes) -> None:
        require()
        import zfec

        assert ask.needed  # noqa: S101 - checked where the request is
        assert ask.block  # noqa: S101 - likewise
        self._needed, self._block = ask.needed, ask.block
        self._limit = datagrams_of(ask)
        self._decoder = zfec.Decoder(ask.needed, ask.block)
        self._token = token
        self._size = ask.payload_bytes - DATAGRAM.size
        self._blocks: dict[int, _Block] = {}
        self._passed = -1
        """Blocks up to this one are settled."""
        self._least_transit_ns: int | None = None
        self._arrived = self._restored = self._wrong = 0
        self._waits_ns: list[int] = []
        self._decodes_ns: list[int] = []

    def take(self, number: int, data: memoryview, received_ns: int) -> None:
        """Take one datagram without its head."""
        which, place = divmod(number, self._block)
        if number >= self._limit or which <= self._passed:
            return
        block = self._blocks.setdefault(which, _Block())
        block.shards[place] = bytes(data)
        if place < self._needed:
            transit = received_ns - _INNER.unpack_from(data)[0]
            self._least_transit_ns = min(transit, self._least_transit_ns or transit)
            block.restored.pop(place, None)
        if not block.decoded and len(block.shards) >= self._needed:
            self._decode(which, block, received_ns)
        while len(self._blocks) > WAITING:
            self._settle(min(self._blocks))

    def _decode(self, which: int, block: _Block, received_ns: int) -> None:
        missing = [place for place in range(self._needed) if place not in block.shards]
        block.decoded = True
        if not missing:
            return
        places = sorted(block.shards)[: self._needed]
        began_ns = time.perf_counter_ns()
        data = self._decoder.decode([block.shards[place] for place in places], places)
        took_ns = time.perf_counter_ns() - began_ns
        if len(self._decodes_ns) < WAITS_KEPT:
            self._decodes_ns.append(took_ns)
        for place in missing:
            shard = data[place]
            expected = content(self._token, which * self._block + place, self._size - _INNER.size)
            right = shard[_INNER.size :] == expected
            transit = received_ns + took_ns - _INNER.unpack_from(shard)[0]
            block.restored[place] = (max(0, transit - (self._least_transit_ns or transit)), right)

    def _settle(self, which: int) -> None:
        block = self._blocks.pop(which)
        self._passed = max(self._passed, which)
        self._arrived += sum(place < self._needed for place in block.shards)
        for wait_ns, right in block.restored.values():
            self._restored += right
            self._wrong += not right
            if right and len(self._waits_ns) < WAITS_KEPT:
                self._waits_ns.append(wait_ns)

    def decoded(self, sent: int) -> Decoded:
        """Return what became of the data in `sent` datagrams; a last block that was not sent whole does not count."""
        whole = sent // self._block
        for which in sorted(self._blocks):
            if which < whole:
                self._settle(which)
        return Decoded(
            sources=whole * self._needed,
            arrived=self._arrived,
            restored=self._restored,
            wrong=self._wrong,
            wait_p50_us=round(median(self._waits_ns) / 1000) if self._waits_ns else None,
            wait_max_us=round(max(self._waits_ns) / 1000) if self._waits_ns else None,
            decode_p50_us=round(median(self._decodes_ns) / 1000) if self._decodes_ns else None,
        )


def finished(arrived: Arrived, restorer: Restorer | None) -> Arrived:
    """Return what arrived with what error correction made of it."""
    if restorer is None or arrived.datagrams is None:
        return arrived
    return msgspec.structs.replace(arrived, decoded=restorer.decoded(arrived.datagrams.sent))
