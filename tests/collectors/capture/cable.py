"""A cable between two namespaces: frames go in at one end and are captured at the other."""

import contextlib
import select
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from analysis.roce.frames import Frames
from collectors.capture.ring import Ring
from tests.lab.bed import Bed, inside

_ALL = 3


class Cable:
    """Two ends, "near" where frames are sent and "far" where they are captured; nothing else is on the wire."""

    def __init__(self, bed: Bed) -> None:
        self.bed = bed
        self.here, self.there = bed.namespace(), bed.namespace()
        self.lay()

    def lay(self) -> None:
        self.bed.ip(self.here, f"link add near type veth peer name far netns {self.there}")
        for namespace, name in ((self.here, "near"), (self.there, "far")):
            with inside(namespace):
                Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")
            self.bed.ip(namespace, f"link set {name} up")

    @contextlib.contextmanager
    def sender(self) -> Iterator[socket.socket]:
        with inside(self.here), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
            raw.bind(("near", 0))
            yield raw

    def send(self, frames: Sequence[bytes]) -> None:
        with self.sender() as raw:
            for frame in frames:
                raw.send(frame)

    @contextlib.contextmanager
    def ring(self, **options: int) -> Iterator[Ring]:
        with inside(self.there):
            ring = Ring("far", **({"snap": 128} | options))
        try:
            yield ring
        finally:
            ring.close()


def taken(ring: Ring, wanted: int) -> list[tuple[bytes, int]]:
    """Return (captured bytes, length on the wire) once `wanted` frames have come."""
    found: list[tuple[bytes, int]] = []
    while len(found) < wanted:
        assert select.select([ring], [], [], 10)[0], f"only {len(found)} of {wanted} frames came"
        frames = ring.read()
        found += [] if frames is None else rows(frames)
    return found


def rows(frames: Frames) -> list[tuple[bytes, int]]:
    ends = (frames.start + frames.captured).tolist()
    assert np.all(np.diff(frames.t_ns) >= 0)
    data = [frames.buffer[a:b].tobytes() for a, b in zip(frames.start.tolist(), ends, strict=True)]
    return list(zip(data, frames.length.tolist(), strict=True))
