"""Feeds broken captures to the readers until something breaks: python tests/fuzz/fuzz_pcap.py [--seconds N]

Every input goes through the fast reader (whole and in small chunks), the plain reader, the decoder, the fold,
the report and the verdict. It fails on any exception, on records that differ between the readers, and on reports
that differ between chunk sizes. A failing input is written to the current directory.
"""

import argparse
import io
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from analysis.roce.document import document
from analysis.roce.fold import Fold
from analysis.roce.report import report
from analysis.roce.schema import Report
from analysis.roce.verdict import judge
from collectors.dissect import dissect
from collectors.pcapfile.reader import CHUNK, Reader
from collectors.pcapfile.scalar import records
from collectors.pcapfile.source import Source
from collectors.pcapfile.summary import fold_all, told

CORPUS = Path(__file__).parents[1] / "fixtures" / "captures"
MOST_BYTES = 40_000
MOST_RECORDS_DISSECTED = 3
_NUMBERS = (0, 1, 4, 12, 16, 0x7F, 0xFF, 0xFFFF, 262_144, 262_145, 1 << 20, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def corpus() -> list[bytes]:
    """Return the beginnings of all captures kept with the tests."""
    return [path.read_bytes()[:MOST_BYTES] for path in sorted(CORPUS.glob("*.pcap*"))]


def mutated(dice: random.Random, seeds: list[bytes]) -> bytes:
    """Return a capture with a few faults: flipped bits, lying numbers, cuts, repeats and pieces of other captures."""
    data = bytearray(dice.choice(seeds)[: dice.choice((200, 2000, 8000, MOST_BYTES))])
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        if not data:
            break
        at = dice.randrange(len(data))
        match dice.randrange(7):
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
    return bytes(data)


def fold_of(data: bytes, chunk: int) -> Report:
    fold = Fold(100.0)
    read = Reader(Source(io.BytesIO(data)), chunk)
    infos = fold_all([read], fold)
    return report(fold, told(*infos), 100.0)


def rows_of(data: bytes, chunk: int) -> Iterator[tuple[int, int, int, bytes]]:
    for frames in Reader(Source(io.BytesIO(data)), chunk):
        columns = (frames.t_ns.tolist(), frames.length.tolist(), frames.start.tolist(), frames.captured.tolist())
        for i, (t_ns, length, start, captured) in enumerate(zip(*columns, strict=True)):
            yield frames.first_number + i, t_ns, length, frames.buffer[start : start + captured].tobytes()


def one(data: bytes, chunk: int) -> None:
    """Read one input in every way. Raises where something is wrong."""
    plain = list(records(Source(io.BytesIO(data))))
    expected = [(record.number, record.t_ns, record.length, record.data) for record in plain]
    assert list(rows_of(data, CHUNK)) == expected, "the readers differ"
    assert list(rows_of(data, chunk)) == expected, "the readers differ, in small chunks"
    whole = fold_of(data, CHUNK)
    assert fold_of(data, chunk) == whole, "chunks change the report"
    assert document("x", whole, judge(whole), str)["packets"] == len(plain)
    for record in plain[:MOST_RECORDS_DISSECTED]:
        dissect(record.data, record.link, record.length)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=int(time.time()))
    args = options.parse_args()
    seeds, dice = corpus(), random.Random(args.seed)
    started, done = time.monotonic(), 0
    while time.monotonic() - started < args.seconds:
        data, chunk = mutated(dice, seeds), dice.choice((64, 333, 1000, 5000))
        try:
            one(data, chunk)
        except Exception:
            name = Path(f"fuzz-{args.seed}-{done}.pcap")
            name.write_bytes(data)
            print(f"input {done} of seed {args.seed}, chunk {chunk}: written to {name}", file=sys.stderr)
            raise
        done += 1
    print(f"{done} inputs in {time.monotonic() - started:.0f} s, seed {args.seed}: nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
