"""Small captures built from bytes, well-formed or not."""

import io
import struct
import zlib
from collections.abc import Iterable

from analysis.roce.fold import Fold
from collectors.pcapfile.reader import Reader
from collectors.pcapfile.source import Source
from collectors.pcapfile.summary import fold_all

HERE, THERE = b"\x0a\0\0\x01", b"\x0a\0\0\x02"


class Pipe(io.RawIOBase):
    """Bytes that arrive in pieces, like those of a pipe; more can be written later, like to a growing file."""

    def __init__(self, data: bytes = b"", piece: int = 1 << 30) -> None:
        self.data, self.piece, self.at = data, piece, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        part = self.data[self.at : self.at + min(self.piece, len(buffer))]
        buffer[: len(part)] = part
        self.at += len(part)
        return len(part)


def reader(data: bytes, chunk: int = 4 << 20, piece: int = 1 << 30) -> Reader:
    return Reader(Source(Pipe(data, piece)), chunk)


def folded(frames: Iterable[bytes], chunk: int = 4 << 20) -> Fold:
    """Return the fold of a whole capture."""
    fold = Fold()
    fold_all([reader(pcap(frames), chunk)], fold)
    return fold


def pcap(frames: Iterable[bytes], order: str = "<", ns: bool = False, link: int = 1, t: int = 1_700_000_000) -> bytes:
    magic = 0xA1B23C4D if ns else 0xA1B2C3D4
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)
    for i, frame in enumerate(frames):
        out += struct.pack(order + "IIII", t + i // 1000, i % 1000, len(frame), len(frame)) + frame
    return out


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int = 1, resolution: int | None = None, offset_s: int | None = None, order: str = "<") -> bytes:
    options = b""
    if resolution is not None:
        options += struct.pack(order + "HHBxxx", 9, 1, resolution)
    if offset_s is not None:
        options += struct.pack(order + "HHq", 14, 8, offset_s)
    return block(1, struct.pack(order + "HHI", link, 0, 262144) + options + (bytes(4) if options else b""), order)


def enhanced(frame: bytes, ticks: int = 0, index: int = 0, order: str = "<") -> bytes:
    head = struct.pack(order + "IIIII", index, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    return block(6, head + frame, order)


def statistics(dropped: int, order: str = "<") -> bytes:
    return block(5, struct.pack(order + "IIIHHQ", 0, 0, 0, 5, 8, dropped), order)


def roce(
    opcode: int = 0x04,
    qpn: int = 0x11,
    psn: int = 0,
    body: bytes = b"",
    ack_req: bool = False,
    source: bytes = HERE,
    destination: bytes = THERE,
    tos: int = 0,
    port: int = 4791,
) -> bytes:
    """Return an Ethernet frame with a RoCEv2 packet and its right ICRC."""
    bth = struct.pack(">BBHII", opcode, 0x40, 0xFFFF, qpn, ack_req << 31 | psn)
    size = len(bth) + len(body) + 4
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, tos, 28 + size, 0, 0x4000, 64, 17, 0, source, destination)
    udp = struct.pack(">HHHH", 0xC000, port, 8 + size, 0)
    masked = bytearray(ip + udp + bth + body)
    for at in (1, 8, 10, 11, 26, 27, 32):
        masked[at] = 0xFF
    crc = zlib.crc32(b"\xff" * 8 + masked).to_bytes(4, "little")
    return bytes(12) + b"\x08\0" + ip + udp + bth + body + crc
