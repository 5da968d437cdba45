"""The fast reader finds what a plain one finds, in any format, however the bytes arrive and whatever they are."""

import gzip
import struct
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.pcapfile.info import Info
from collectors.pcapfile.reader import Reader
from collectors.pcapfile.scalar import find, records
from collectors.pcapfile.source import Source
from collectors.pcapfile.ticks import Ticks
from tests.roce import captures
from tests.roce.captures import Pipe, reader

Row = tuple[int, int, int, int, bytes]


def fast(read: Reader) -> list[Row]:
    rows: list[Row] = []
    for frames in read:
        links = np.broadcast_to(frames.link, len(frames)).tolist()
        columns = (
            frames.t_ns.tolist(),
            frames.length.tolist(),
            links,
            frames.start.tolist(),
            frames.captured.tolist(),
        )
        for i, (t_ns, length, link, start, captured) in enumerate(zip(*columns, strict=True)):
            data = frames.buffer[start : start + captured].tobytes()
            rows.append((frames.first_number + i, t_ns, length, link, data))
    return rows


def plain(data: bytes) -> list[Row]:
    return [(r.number, r.t_ns, r.length, r.link, r.data) for r in records(Source(Pipe(data)))]


def whole(data: bytes, **how: Any) -> tuple[list[Row], Info]:
    read = reader(data, **how)
    return fast(read), read.finish()


frames = st.lists(st.one_of(st.binary(max_size=90), st.builds(captures.roce, psn=st.integers(0, 99))), max_size=25)
orders = st.sampled_from("<>")


@st.composite
def pcaps(draw: st.DrawFn) -> bytes:
    return captures.pcap(draw(frames), draw(orders), draw(st.booleans()), draw(st.sampled_from([1, 101, 113, 276])))


@st.composite
def pcapngs(draw: st.DrawFn) -> bytes:
    out = b""
    for _ in range(draw(st.integers(1, 2))):
        order = draw(orders)
        out += captures.section(order)
        for _ in range(draw(st.integers(0, 2))):
            resolution = draw(st.sampled_from([None, 0, 3, 6, 9, 12, 0x80, 0x8A, 0xA0, 0xBF]))
            out += captures.interface(
                draw(st.sampled_from([1, 101])), resolution, draw(st.sampled_from([None, 0, 77])), order
            )
        for frame in draw(frames):
            ticks = draw(st.integers(0, (1 << 64) - 1))
            kind = draw(st.sampled_from(["enhanced"] * 6 + ["simple", "obsolete", "unknown", "statistics"]))
            if kind == "enhanced":
                out += captures.enhanced(frame, ticks, draw(st.integers(0, 2)), order)
            elif kind == "simple":
                out += captures.block(3, struct.pack(order + "I", len(frame)) + frame, order)
            elif kind == "obsolete":
                head = struct.pack(
                    order + "HHIIII", 0, 0, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame) + 5
                )
                out += captures.block(2, head + frame, order)
            elif kind == "unknown":
                out += captures.block(0x0BAD, frame, order)
            else:
                out += captures.statistics(3, order)
    return out


any_capture = st.one_of(pcaps(), pcapngs())


@settings(max_examples=40, deadline=None)
@given(any_capture, st.integers(1, 400))
def test_reads_what_a_plain_reader_reads_however_the_bytes_arrive(data: bytes, piece: int) -> None:
    expected = plain(data)
    got, info = whole(data)
    assert got == expected
    assert not info.truncated
    assert info.packets == len(expected)
    assert fast(Reader(Source(Pipe(data, piece)), wait_for_all=False)) == expected


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_mutated_captures_never_raise_and_give_the_same_records(data: st.DataObject) -> None:
    good = data.draw(any_capture)
    bad = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        if bad:
            at = data.draw(st.integers(0, len(bad) - 1))
            if data.draw(st.booleans()):
                bad[at] = data.draw(st.integers(0, 255))
            else:
                del bad[at : at + data.draw(st.integers(1, 30))]
    got, info = whole(bytes(bad))
    assert got == plain(bytes(bad))
    assert [str(problem) for problem in info.problems] or not info.truncated


@given(st.binary(max_size=300))
def test_garbage_is_no_capture(data: bytes) -> None:
    got, info = whole(data)
    assert got == plain(data)
    assert info.problems


@pytest.mark.parametrize(
    "make",
    [captures.pcap, lambda fs: captures.section() + captures.interface() + b"".join(map(captures.enhanced, fs))],
)
def test_cutting_a_capture_anywhere_gives_the_packets_before_the_cut(make: Any) -> None:
    data = make([captures.roce(psn=i, body=bytes(i)) for i in range(6)])
    everything = plain(data)
    for cut in range(len(data)):
        got, info = whole(data[:cut])
        assert got == everything[: len(got)] == plain(data[:cut])
        assert info.problems or info.offset == cut


def test_a_growing_file_is_read_on_where_it_ended() -> None:
    data = captures.pcap([captures.roce(psn=i) for i in range(20)])
    pipe = Pipe()
    read = Reader(Source(pipe))
    got: list[Row] = []
    for end in range(0, len(data) + 37, 37):
        pipe.data = data[:end]
        got += fast(read)
    assert got == plain(data)
    assert not read.finish().truncated


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_compressed_captures_are_told_by_their_bytes(compress: Any) -> None:
    data = captures.pcap([captures.roce(psn=i) for i in range(50)])
    assert whole(compress(data))[0] == plain(data)
    assert whole(compress(data[: len(data) // 2]) + compress(data[len(data) // 2 :]))[0] == plain(data)
    got, info = whole(compress(data)[:-40])
    assert got == plain(data)[: len(got)]
    assert info.truncated or not got


def test_a_damaged_gzip_says_so() -> None:
    data = bytearray(gzip.compress(captures.pcap([captures.roce(psn=i, body=bytes(range(256))) for i in range(400)])))
    data[len(data) // 2] ^= 0xFF
    _, info = whole(bytes(data))
    assert info.truncated
    assert info.problems


def test_records_across_any_chunk_boundary() -> None:
    data = captures.pcap([captures.roce(psn=i, body=bytes(i % 60)) for i in range(64)])
    expected = plain(data)
    for chunk in range(400, 700):
        assert whole(data, chunk=chunk)[0] == expected


def test_a_leap_in_time_does_not_lose_records() -> None:
    parts = [captures.pcap([captures.roce(psn=i)], t=1_000_000_000 + (i * 7919 % 40) * 65_536) for i in range(300)]
    data = parts[0][:24] + b"".join(part[24:] for part in parts)
    assert whole(data)[0] == plain(data)
    assert len(plain(data)) == 300


def test_a_long_foreign_block_is_skipped() -> None:
    body = bytes(3 << 20)
    data = (
        captures.section() + captures.interface() + captures.block(0xBAD, body) + captures.enhanced(captures.roce())
    )
    got, info = whole(data, chunk=1 << 20)
    assert got == plain(data)
    assert len(got) == 1
    assert not info.truncated


def test_a_four_gibibyte_length_is_damage_and_no_allocation() -> None:
    good = captures.pcap([captures.roce()])
    got, info = whole(good + struct.pack("<IIII", 1_700_000_000, 0, 0xFFFFFFFF, 0xFFFFFFFF) + bytes(100))
    assert len(got) == 1
    assert info.truncated
    assert str(len(good)) in str(info.problems[0])


def test_drops_told_by_the_capturing_host_are_summed_over_interfaces_and_sections() -> None:
    one = captures.section() + captures.interface() + captures.statistics(2) + captures.statistics(5)
    assert whole(one + one)[1].dropped_by_kernel == 10
    assert whole(captures.section() + captures.interface())[1].dropped_by_kernel is None


def test_one_packet_is_found_by_its_number() -> None:
    data = captures.pcap([captures.roce(psn=i) for i in range(9)])
    record = find(Source(Pipe(data)), 4)
    assert record is not None
    assert record.data == captures.roce(psn=3)
    assert find(Source(Pipe(data)), 10) is None


@given(
    st.booleans(),
    st.integers(0, 127),
    st.integers(-(1 << 40), 1 << 40),
    st.lists(st.integers(0, (1 << 64) - 1), max_size=5),
)
def test_ticks_of_any_resolution(binary: bool, exponent: int, offset_s: int, counts: list[int]) -> None:
    ticks = Ticks(binary, exponent, offset_s)
    got = ticks.to_ns(np.array(counts, np.uint64).view(np.int64)).tolist()
    assert got == [ticks.one_ns(count) for count in counts]
