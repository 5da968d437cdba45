"""Pauses, discards and congestion by network card, every few seconds (ETHTOOL_GSTATS, uapi/linux/ethtool.h)."""

import asyncio
import ctypes
import fcntl
import re
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from analysis.samples import NicCounters
from collectors.base import Emit, Need
from collectors.clock import Clock
from collectors.facts_links import NET, interfaces, is_hardware
from collectors.rdma import read_ports
from collectors.root import Root
from collectors.ticks import ticks

EVERY_S: Final = 5.0
_SIOCETHTOOL: Final = 0x8946
_GET_STRINGS, _GET_STATS, _GET_SET_INFO = 0x1B, 0x1D, 0x37
_SET_STATS: Final = 1
_NAME: Final = 32
_MOST: Final = 1 << 16
_TELLING: Final = re.compile(
    r"pause|discard|out_of_buffer|ecn|cnp|no_buf|xon|xoff|prio?_?\d+.*drop|pfc|missed|fifo_err"
)
_PER_QUEUE: Final = re.compile(r"^(?:rx|tx|ch)\d+_|queue|\[\d")
"""A card has few counters of its port and may have thousands of its queues."""


def telling(name: str) -> bool:
    """Say whether a counter is about pauses, discards or congestion, of the port and not of one queue."""
    return _TELLING.search(name) is not None and _PER_QUEUE.search(name) is None


def read(name: str, wanted: Callable[[str], bool] = telling) -> dict[str, int]:
    """Return the counters of one interface that are wanted. Raises OSError (EOPNOTSUPP) where there are none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        info = _ask(probe, name, struct.pack("=IIQI", _GET_SET_INFO, 0, 1 << _SET_STATS, 0))
        count = struct.unpack_from("=I", info, 16)[0] if struct.unpack_from("=Q", info, 8)[0] else 0
        if not 0 < count <= _MOST:
            return {}
        strings = _ask(probe, name, struct.pack("=III", _GET_STRINGS, _SET_STATS, count) + bytes(count * _NAME))
        stats = _ask(probe, name, struct.pack("=II", _GET_STATS, count) + bytes(count * 8))
    names = (
        strings[12 + i * _NAME : 12 + (i + 1) * _NAME].split(b"\0")[0].decode("ascii", "replace")
        for i in range(count)
    )
    values = struct.unpack_from(f"={count}Q", stats, 8)
    return {name.strip(): value for name, value in zip(names, values, strict=True) if wanted(name)}


def kernel_counters(root: Root, name: str) -> dict[str, int]:
    """Return what the kernel itself counts of each card: packets for which the card had no room."""
    found: dict[str, int] = {}
    for counter in ("rx_missed_errors", "rx_fifo_errors"):
        try:
            found[counter] = int(root.read_text(f"{NET}/{name}/statistics/{counter}"))
        except (OSError, ValueError):  # going away
            continue
    return found


def _ask(probe: socket.socket, name: str, request: bytes) -> bytes:
    """Hand a buffer to the driver and return it filled."""
    buffer = ctypes.create_string_buffer(request, len(request))
    fcntl.ioctl(probe, _SIOCETHTOOL, struct.pack("16sP", name.encode()[:15], ctypes.addressof(buffer)))
    return buffer.raw


class NicCountersCollector:
    """Emits `NicCounters` of hardware and RDMA interfaces while there are any."""

    name = "nic"

    def __init__(self, clock: Clock, root: Root | None = None, *, interval_s: float = EVERY_S) -> None:
        self._clock = clock
        self._root = root or Root()
        self._interval_s = interval_s

    def needs(self) -> Sequence[Need]:
        """Reading counters is for everyone."""
        return ()

    async def run(self, emit: Emit) -> None:
        """Emit until cancelled. Read in a thread: some drivers ask their firmware."""
        async for _ in ticks(self._interval_s):
            found = await asyncio.to_thread(self._read)
            if found:
                emit(NicCounters(self._clock.now_ns(), found))

    def _read(self) -> dict[str, dict[str, int]]:
        names = {name for name in interfaces(self._root) if is_hardware(self._root, name)}
        names |= {port.netdev for port in read_ports(self._root) if port.netdev}
        found: dict[str, dict[str, int]] = {}
        for name in sorted(names):
            counters = kernel_counters(self._root, name)
            with suppress(OSError):  # a driver without such counters, or an interface that is just going away
                counters |= read(name)
            if counters:
                found[name] = counters
        return found
