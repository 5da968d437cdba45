"""Feeds broken captures to the readers until something breaks: python tests/fuzz/fuzz_pcap.py [--seconds N]

Every input goes through the fast reader (whole, in small chunks, from another process and out of gzip or zstd), the
plain reader, the decoder, the fold, the report and the verdict. It fails on any exception, on records that differ
between the readers, and on reports that differ between these ways. A failing input is written to the current folder.
"""

import gzip
import io
import random
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import zstandard

sys.path.insert(0, str(Path(__file__).parents[2]))

from analysis.roce.document import document
from analysis.roce.fold import Fold
from analysis.roce.report import report
from analysis.roce.schema import Report
from analysis.roce.verdict import judge
from collectors.dissect import dissect
from collectors.pcapfile import summary
from collectors.pcapfile.reader import CHUNK, Reader
from collectors.pcapfile.scalar import records
from collectors.pcapfile.source import Source
from collectors.pcapfile.summary import fold_all, told
from tests.fuzz.rounds import run
from tests.roce.captures import enhanced, interface, pcap, section

CORPUS = Path(__file__).parents[1] / "fixtures" / "captures"
MOST_BYTES = 40_000
MOST_RECORDS_DISSECTED = 3
LINKS: Final = (0, 1, 12, 14, 101, 108, 113, 197, 228, 229, 247, 276, 0xFFFF)
"""Link types that are read, the two of native InfiniBand, and one that nobody knows."""
WRAPS: Final[dict[int, Callable[[bytes], bytes]]] = {
    1: lambda kind: bytes(12) + b"\x81\x00\x60\x64" + kind,
    101: lambda kind: b"",
    108: lambda kind: bytes(4),
    113: lambda kind: bytes(14) + kind,
    276: lambda kind: kind + bytes(18),
}
"""By link type, what stands in front of the network header, given the EtherType: on Ethernet a VLAN tag."""
PACKERS: Final[tuple[Callable[[bytes], bytes], ...]] = (
    lambda data: gzip.compress(data, 1),
    lambda data: zstandard.ZstdCompressor(1).compress(data),
)
_NUMBERS = (0, 1, 4, 12, 16, 0x7F, 0xFF, 0xFFFF, 262_144, 262_145, 1 << 20, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def corpus() -> list[bytes]:
    """Return the beginnings of all captures kept with the tests, and two of them in every other wrapping."""
    kept = [path.read_bytes()[:MOST_BYTES] for path in sorted(CORPUS.glob("*.pcap*"))]
    return [*kept, *rewrapped("read_loss1"), *rewrapped("ipv6_loss1")]


def rewrapped(name: str) -> Iterator[bytes]:
    """Yield the beginning of a capture from Ethernet as if taken on other links, as pcap and as pcapng."""
    with (CORPUS / f"{name}.pcap").open("rb", buffering=0) as file:
        frames = [record.data for record in islice(records(Source(file)), 60)]
    for link, wrap in WRAPS.items():
        data = [wrap(frame[12:14]) + frame[14:] for frame in frames]
        yield pcap(data, link=link)
        blocks = (enhanced(one, ticks) for ticks, one in enumerate(data))
        yield section() + interface(link, resolution=9) + b"".join(blocks)


def mutated(dice: random.Random, seeds: list[bytes]) -> bytes:
    """Return a capture with a few faults: flipped bits, lying numbers, cuts, repeats and pieces of other captures."""
    data = bytearray(dice.choice(seeds)[: dice.choice((200, 2000, 8000, MOST_BYTES))])
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        if not data:
            break
        at = dice.randrange(len(data))
        match dice.randrange(8):
            case 0:
                data[at] ^= 1 << dice.randrange(8)
            case 1:
                data[at] = dice.randrange(256)
            case 2:
                data[at : at + 4] = dice.choice(_NUMBERS).to_bytes(4, dice.choice(("little", "big")))
            case 3:
                del data[at : at + dice.choice((1, 4, 16, 200))]
            case 4:
                data[at:at] = data[at : at + dice.choice((1, 16, 500))]
            case 5:
                other = dice.choice(seeds)
                begin = dice.randrange(len(other) + 1)
                data[at:at] = other[begin : begin + dice.choice((28, 300, 3000))]
            case 6:
                del data[at:]
            case 7:
                data[20:22] = dice.choice(LINKS).to_bytes(2, dice.choice(("little", "big")))
    return bytes(data)


def fold_of(data: bytes, chunk: int) -> Report:
    fold = Fold(100.0)
    infos = fold_all([Reader(Source(io.BytesIO(data)), chunk)], fold)
    return report(fold, told(*infos), 100.0)


def fold_elsewhere(data: bytes, chunk: int) -> Report:
    """Fold with the reading in another process."""
    usual, summary._SHORT = summary._SHORT, -1
    try:
        return fold_of(data, chunk)
    finally:
        summary._SHORT = usual


def rows_of(data: bytes, chunk: int) -> Iterator[tuple[int, int, int, bytes]]:
    for frames in Reader(Source(io.BytesIO(data)), chunk):
        columns = (frames.t_ns.tolist(), frames.length.tolist(), frames.start.tolist(), frames.captured.tolist())
        for i, (t_ns, length, start, captured) in enumerate(zip(*columns, strict=True)):
            yield frames.first_number + i, t_ns, length, frames.buffer[start : start + captured].tobytes()


def one(data: bytes, chunk: int, dice: random.Random) -> None:
    """Read one input in every way, the slow ones now and then. Raises where something is wrong."""
    plain = list(records(Source(io.BytesIO(data))))
    expected = [(record.number, record.t_ns, record.length, record.data) for record in plain]
    assert list(rows_of(data, CHUNK)) == expected, "the readers differ"
    assert list(rows_of(data, chunk)) == expected, "the readers differ, in small chunks"
    whole = fold_of(data, CHUNK)
    assert fold_of(data, chunk) == whole, "chunks change the report"
    if not dice.randrange(8):
        assert fold_elsewhere(data, chunk) == whole, "another process changes the report"
    if data and not dice.randrange(4):
        packed = dice.choice(PACKERS)(data)
        assert fold_of(packed, chunk) == whole, "compression changes the report"
        fold_of(packed[: dice.randrange(len(packed))], CHUNK)
    assert document("x", whole, judge(whole), str)["packets"] == len(plain)
    for record in plain[:MOST_RECORDS_DISSECTED]:
        dissect(record.data, record.link, record.length)


def round_of(seed: int) -> Callable[[int], None]:
    seeds, dice = corpus(), random.Random(seed)

    def one_round(number: int) -> None:
        data, chunk = mutated(dice, seeds), dice.choice((64, 333, 1000, 5000))
        try:
            one(data, chunk, dice)
        except Exception:
            name = Path(f"fuzz-{seed}-{number}.pcap")
            name.write_bytes(data)
            print(f"chunk {chunk}: written to {name}", file=sys.stderr)
            raise

    return one_round


if __name__ == "__main__":
    sys.exit(run(__doc__, "inputs", round_of))
