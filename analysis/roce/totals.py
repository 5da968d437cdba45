"""Counts over all packets of a capture, whatever their flow."""

from collections import Counter
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from analysis.roce import icrc
from analysis.roce.frames import Bytes, Ints, Small
from analysis.roce.packets import Batch, Packets

CE: Final = 3
CE_MASK: Final = 0x103
"""ECN bits, and one that is set where there is no traffic class (-1)."""
_XRC: Final = 5
_MOST_BAD_QPS: Final = 4096
_SAMPLE: Final = 61
"""Every so many packets one is looked at to see what is common."""


class Tally(msgspec.Struct, frozen=True):
    """What the packets of a batch add up to."""

    opcode_packets: Ints
    opcode_bytes: Ints
    tos: Ints
    ce_by_opcode: Ints
    icrc: Ints
    syndromes: Ints
    bad_qps: list[int]

    @classmethod
    def of(cls, packets: Packets) -> "Tally":
        """Count."""
        opcode, tos = packets.opcode, packets.tos + 1
        others = _odd_ones(opcode)
        with_aeth = np.flatnonzero(packets.syndrome >= 0)
        xrc = opcode[with_aeth] >> 5 == _XRC
        return cls(
            _counted(opcode, others),
            _summed(opcode, others, packets.length),
            _counted(tos, _odd_ones(tos), 257)[1:],
            np.bincount(opcode[np.flatnonzero(packets.tos & CE_MASK == CE)], minlength=256),
            np.array([np.count_nonzero(packets.icrc == kind) for kind in (icrc.GOOD, icrc.BAD, icrc.UNCHECKED)]),
            np.stack([np.bincount(packets.syndrome[with_aeth[some]], minlength=256) for some in (~xrc, xrc)]),
            packets.qpn[packets.icrc == icrc.BAD].tolist(),
        )


def _counted(values: Small | Bytes, odd_ones: tuple[int, Ints], size: int = 256) -> Ints:
    """Count each of some small numbers."""
    common, others = odd_ones
    count = np.bincount(values[others], minlength=size)
    count[common] += len(values) - len(others)
    return count


def _summed(values: Bytes, odd_ones: tuple[int, Ints], amounts: NDArray[np.uint32]) -> Ints:
    """Add up the amounts that go with each of some small numbers."""
    common, others = odd_ones
    more = amounts[others]
    total = np.bincount(values[others], more, 256).astype(np.int64)
    total[common] += int(amounts.sum()) - int(more.sum())
    return total


def _odd_ones(values: Small | Bytes) -> tuple[int, Ints]:
    """Return a number that is common among these, and where the others are.

    Most packets are alike, and many equal numbers are what `bincount` is slowest at.
    """
    common = int(np.bincount(values[::_SAMPLE], minlength=1).argmax())
    return common, np.flatnonzero(values != common)


class Totals:
    """Counts over all packets, whatever their flow."""

    def __init__(self) -> None:
        self.frames = self.wire_bytes = self.cut = self.backward = 0
        self.blind = self.fragments = self.runts = 0
        self.t_min_ns = self.t_max_ns = 0
        self.opcode_packets = np.zeros(256, np.int64)
        self.opcode_bytes = np.zeros(256, np.int64)
        self.tos = np.zeros(256, np.int64)
        self.ce_by_opcode = np.zeros(256, np.int64)
        self.syndromes = np.zeros((2, 256), np.int64)
        """AETH syndromes, of all transports but XRC and of XRC."""
        self.icrc = np.zeros(3, np.int64)
        self.pcp = np.zeros(8, np.int64)
        self.not_roce: Counter[str] = Counter()
        self.bad_qps: Counter[int] = Counter()
        """Destination QPs of packets with a wrong ICRC."""

    def add(self, batch: Batch, tally: Tally) -> None:
        """Take in a batch and what its packets add up to."""
        if batch.frames:
            self._times(batch)
        self.frames += batch.frames
        self.wire_bytes += batch.wire_bytes
        self.cut += batch.cut
        self.blind, self.fragments, self.runts = (
            self.blind + batch.blind,
            self.fragments + batch.fragments,
            self.runts + batch.runts,
        )
        self.not_roce.update(batch.not_roce)
        self.pcp += batch.pcp
        self.opcode_packets += tally.opcode_packets
        self.opcode_bytes += tally.opcode_bytes
        self.tos += tally.tos
        self.ce_by_opcode += tally.ce_by_opcode
        self.icrc += tally.icrc
        self.syndromes += tally.syndromes
        if len(self.bad_qps) < _MOST_BAD_QPS:
            self.bad_qps.update(tally.bad_qps)

    def _times(self, batch: Batch) -> None:
        if not self.frames:
            self.t_min_ns, self.t_max_ns = batch.t_min_ns, batch.t_max_ns
        else:
            self.t_min_ns = min(self.t_min_ns, batch.t_min_ns)
            self.t_max_ns = max(self.t_max_ns, batch.t_max_ns)
        self.backward += batch.backward
