"""Sends every series' probes when they are due and reads what comes back: one timer, one reader a socket."""

import asyncio
import heapq
from typing import Final, TypeAlias

from analysis.samples import Probes, Series
from collectors.clock import Clock
from collectors.probe.abilities import Ability
from collectors.probe.flights import Flights
from collectors.probe.icmp import IcmpChannel
from collectors.probe.stream import Binding, Family, Stream, errno_name
from collectors.probe.tcp import TcpChannel
from collectors.probe.udp import UdpChannel

GROUP_NS: Final = 4_000_000
"""Probes due within this are sent at one waking."""
FIRST_NS: Final = 1_000_000_000
"""The first probe of a series is sent within this, however long its interval."""
GOLDEN: Final = 0.6180339887498949
PROVEN: Final = 20
"""After so many probes without one transmit stamp, the device is known to make none."""
DRAINS: Final = 16
"""How often a socket is read before losses are judged: after a stop, thousands of replies may wait."""
LANES: Final = 64
"""UDP sockets at most of one kind: so many probes may be under way to one peer and be told apart without a token."""
Channel: TypeAlias = IcmpChannel | UdpChannel


def phase_ns(series: int, interval_ns: int) -> int:
    """Return when in its interval a series sends: spread evenly, whatever series come and go."""
    return int(series * GOLDEN % 1 * interval_ns)


def next_due_ns(due_ns: int, interval_ns: int, now_ns: int) -> int:
    """Return the next moment of a series' own grid after `now_ns`.

    Sending never waits for a reply (no coordinated omission), and moments that were slept through are skipped,
    not made up for: a burst would measure itself.
    """
    return due_ns + max(1, (now_ns - due_ns) // interval_ns + 1) * interval_ns


class Engine:
    """All series being probed. Use inside a running loop; call `tick` about once a second, and `close`."""

    def __init__(self, clock: Clock, *, own_queue: bool = False) -> None:
        """`own_queue`: count what a packet waits in this box's queueing discipline too.

        The kernel stamps sending behind that queue; for the way itself that is right, for a line that we fill not.
        """
        self._clock = clock
        self._own_queue = own_queue
        self._loop = asyncio.get_running_loop()
        self._flights = Flights()
        self._streams: dict[int, Stream] = {}
        self._due: list[tuple[int, int]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._channels: dict[tuple[str, Family, bool, int], Channel] = {}
        self._tcp = TcpChannel(self._flights, clock, self._loop)

    def icmp(self, family: Family) -> Ability:
        """Return what ICMP socket there is for a family, and what its stamps are worth so far."""
        try:
            channel = self._channel("icmp", family, dont_fragment=False)
        except OSError as problem:
            return Ability("none", "user", errno_name(problem))
        assert isinstance(channel, IcmpChannel)  # noqa: S101 - told by the key
        silent = channel.stamping.stamps == "kernel" and channel.sent >= PROVEN and not channel.tx_stamped
        return Ability(channel.kind, "kernel-rx" if silent else channel.stamping.stamps)

    def add(self, series: Series, binding: Binding) -> None:
        """Start probing."""
        self._streams[series.id] = Stream(series, binding)
        wait = phase_ns(series.id, min(series.interval_ns, FIRST_NS))
        heapq.heappush(self._due, (self._clock.reading().mono_ns + wait, series.id))
        self._wake_at(self._due[0][0])

    def remove(self, series: int) -> None:
        """Stop probing; what is on its way is not told any more."""
        del self._streams[series]
        self._flights.end(series)

    def tick(self) -> Probes:
        """Read everything, judge what has run out of time, and return what was settled since the last tick."""
        for channel in self._channels.values():
            for _ in range(DRAINS):
                if not channel.read(self._clock.reading()):
                    break
        now_ns = self._clock.reading().mono_ns
        self._flights.expire(now_ns)
        self._tcp.sweep()
        return self._flights.batch(now_ns, self._clock.at_mono_ns(0))

    def close(self) -> None:
        """Close every socket."""
        if self._timer is not None:
            self._timer.cancel()
        for channel in self._channels.values():
            self._loop.remove_reader(channel.fileno())
            channel.close()
        self._channels.clear()
        self._tcp.close()

    def _channel(self, protocol: str, family: Family, *, dont_fragment: bool, lane: int = 0) -> Channel:
        key = (protocol, family, dont_fragment, lane)
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = self._opened(protocol, family, dont_fragment=dont_fragment)
            self._loop.add_reader(channel.fileno(), self._read, channel)
        return channel

    def _free_channel(self, stream: Stream) -> Channel:
        """Return the channel for the next probe: with UDP the first that waits for nothing from this peer."""
        series = stream.series
        for lane in range(LANES):
            channel = self._channel(series.protocol, stream.family, dont_fragment=series.dont_fragment, lane=lane)
            if not isinstance(channel, UdpChannel) or not channel.waits_for(stream):
                break
        return channel

    def _opened(self, protocol: str, family: Family, *, dont_fragment: bool) -> Channel:
        if protocol != "icmp":
            return UdpChannel(family, self._flights, dont_fragment=dont_fragment)
        stamp_sending = not self._own_queue
        return IcmpChannel(family, self._flights, dont_fragment=dont_fragment, stamp_sending=stamp_sending)

    def _read(self, channel: Channel) -> None:
        channel.read(self._clock.reading())

    def _wake_at(self, due_ns: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        wait = max(0, due_ns - self._clock.reading().mono_ns) / 1e9
        self._timer = self._loop.call_later(wait, self._send_due)

    def _send_due(self) -> None:
        """Send what is due now or in a moment, and sleep until the next after all of it has left."""
        now = self._clock.reading()
        group: list[tuple[int, Stream]] = []
        while self._due and self._due[0][0] <= now.mono_ns + GROUP_NS:
            due_ns, series = heapq.heappop(self._due)
            if series in self._streams:
                group.append((due_ns, self._streams[series]))
        used = {self._send(stream) for _due_ns, stream in group}
        now = self._clock.reading()
        for due_ns, stream in group:
            again_ns = next_due_ns(due_ns, stream.series.interval_ns, now.mono_ns)
            heapq.heappush(self._due, (again_ns, stream.series.id))
        for channel in used:
            if isinstance(channel, IcmpChannel):
                channel.read_errors()  # transmit stamps are there by now: no waking just for them
        if self._due:
            self._wake_at(self._due[0][0])

    def _send(self, stream: Stream) -> Channel | None:
        """Send one probe; return the channel it went by, None where there is none to read stamps from."""
        series = stream.series
        now = self._clock.reading()
        if series.protocol == "tcp":
            self._tcp.send(stream, now)
            return None
        try:
            channel = self._free_channel(stream)
        except OSError as problem:
            self._flights.failed(series.id, now.mono_ns, errno_name(problem))
            return None
        channel.send(stream, now)
        return channel
