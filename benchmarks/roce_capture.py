"""Writes a large RoCEv2 capture: RC writes of many QPs with loss, go-back-N, ACKs, NAKs, CE marks and CNPs."""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MTU, MESSAGE_PACKETS = 1024, 16
SNAPLEN = 128
_FIRST, _MIDDLE, _LAST, _ACK, _CNP = 6, 7, 8, 0x11, 0x81
_LOSS, _CE = 0.0005, 0.002
_RECORD = 16

Ints = NDArray[np.int64]


def write(path: Path, packets: int = 2_000_000, qps: int = 64, seed: int = 1) -> None:
    """Write about `packets` packets, cut at `SNAPLEN`, as a little-endian pcap with microseconds."""
    rng = np.random.default_rng(seed)
    place, qp, number, opcode, nak = _schedule(rng, packets, qps)
    order = np.argsort(place, kind="stable")[:packets]
    qp, number, opcode, nak = qp[order], number[order], opcode[order], nak[order]
    ce = (opcode <= _LAST) & (rng.random(len(qp)) < _CE)
    t_us = 1_700_000_000_000_000 + np.cumsum(rng.exponential(0.9, len(qp)) + 0.1).astype(np.int64)
    start = rng.integers(0, 1 << 24, qps)
    psn = (start[qp] + number) & 0xFFFFFF
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAPLEN, 1))
        for begin in range(0, len(qp), 65_536):
            part = slice(begin, begin + 65_536)
            out.write(_records(t_us[part], qp[part], psn[part], opcode[part], nak[part], ce[part]))


def _schedule(rng: np.random.Generator, packets: int, qps: int) -> tuple[Ints, ...]:
    """Return, in no order: place in time, QP, packet number within the QP, opcode, and whether an ACK is a NAK."""
    bursts = rng.integers(1, 13, packets // 6)
    qp = np.repeat(rng.integers(0, qps, len(bursts)), bursts)[:packets]
    place = np.arange(len(qp), dtype=np.float64)
    number = np.empty(len(qp), np.int64)
    of_qp = [np.flatnonzero(qp == one) for one in range(qps)]
    for rows in of_qp:
        number[rows] = np.arange(len(rows))
    kept = np.ones(len(qp), np.bool_)
    again: list[tuple[float, int, int, int, int]] = []
    refused = np.zeros(len(qp), np.bool_)
    for one, rows in enumerate(of_qp):
        after = 0
        for lost in np.flatnonzero(rng.random(len(rows)) < _LOSS).tolist():
            width = int(rng.integers(2, 16))
            if lost < after or lost + width >= len(rows):
                continue
            after = lost + width + 1
            kept[rows[lost]] = False
            refused[rows[lost:after]] = True
            back = float(place[rows[after - 1]])
            again.append((back + 0.10, one, lost, _ACK, 1))
            for i, k in enumerate(range(lost, after)):
                again.append((back + 0.11 + 0.01 * i, one, k, _opcode(k), 0))
                if _opcode(k) == _LAST:
                    again.append((back + 0.115 + 0.01 * i, one, k, _ACK, 0))
    code = np.where(
        number % MESSAGE_PACKETS == 0,
        _FIRST,
        np.where(number % MESSAGE_PACKETS == MESSAGE_PACKETS - 1, _LAST, _MIDDLE),
    )
    acked = kept & ~refused & (code == _LAST)
    columns = [
        (place[kept], qp[kept], number[kept], code[kept], np.zeros(int(kept.sum()), np.int64)),
        (
            place[acked] + 0.05,
            qp[acked],
            number[acked],
            np.full(int(acked.sum()), _ACK),
            np.zeros(int(acked.sum()), np.int64),
        ),
        tuple(np.array(column) for column in zip(*again, strict=True)) if again else (),
    ]
    notified = rng.choice(np.flatnonzero(kept), int(kept.sum() * _CE / 4), replace=False)
    columns.append(
        (
            place[notified] + 0.07,
            qp[notified],
            number[notified],
            np.full(len(notified), _CNP),
            np.zeros(len(notified), np.int64),
        )
    )
    return tuple(np.concatenate(parts) for parts in zip(*(column for column in columns if column), strict=True))


def _opcode(number: int) -> int:
    return {0: _FIRST, MESSAGE_PACKETS - 1: _LAST}.get(number % MESSAGE_PACKETS, _MIDDLE)


def _records(t_us: Ints, qp: Ints, psn: Ints, opcode: Ints, nak: Ints, ce: NDArray[np.bool_]) -> bytes:
    """Return the pcap records of these packets."""
    data = opcode <= _LAST
    captured = np.where(data, SNAPLEN, np.where(opcode == _ACK, 62, 74))
    offset = np.concatenate([[0], np.cumsum(captured + _RECORD)])
    out = np.zeros(int(offset[-1]), np.uint8)
    rows = np.flatnonzero(data)
    block = np.stack(
        [np.frombuffer(_data(int(q), int(op)), np.uint8) for q, op in zip(qp[rows], opcode[rows], strict=True)]
    )
    block[:, _RECORD + 15] = np.where(ce[rows], 26 << 2 | 3, 26 << 2 | 2)
    ack_req = np.where(opcode[rows] == _LAST, 1 << 31, 0)
    block[:, _RECORD + 50 : _RECORD + 54] = (ack_req | psn[rows]).astype(">u4").view(np.uint8).reshape(-1, 4)
    block[:, 0:8] = np.stack([t_us[rows] // 10**6, t_us[rows] % 10**6], 1).astype("<u4").view(np.uint8)
    out[offset[rows][:, None] + np.arange(SNAPLEN + _RECORD)] = block
    for row in np.flatnonzero(~data).tolist():
        body = _answer(int(qp[row]), int(psn[row]), int(opcode[row]), bool(nak[row]))
        head = struct.pack("<IIII", int(t_us[row]) // 10**6, int(t_us[row]) % 10**6, len(body), len(body))
        out[offset[row] : offset[row] + len(head) + len(body)] = np.frombuffer(head + body, np.uint8)
    return out.tobytes()


def _hosts(qp: int) -> tuple[bytes, bytes]:
    return bytes((10, 2, 0, 1 + qp % 8)), bytes((10, 2, 0, 101 + qp % 4))


def _frame(source: bytes, destination: bytes, tos: int, port: int, bth: bytes, body: bytes) -> bytes:
    """Return an Ethernet frame with a RoCEv2 packet and its ICRC."""
    size = len(bth) + len(body) + 4
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, tos, 28 + size, 0, 0x4000, 64, 17, 0, source, destination)
    udp = struct.pack(">HHHH", port, 4791, 8 + size, 0)
    masked = bytearray(ip + udp + bth + body)
    for at in (1, 8, 10, 11, 26, 27, 32):
        masked[at] = 0xFF
    crc = zlib.crc32(b"\xff" * 8 + masked).to_bytes(4, "little")
    return bytes(12) + b"\x08\x00" + ip + udp + bth + body + crc


_templates: dict[tuple[int, int], bytes] = {}


def _data(qp: int, opcode: int) -> bytes:
    """Return record header and the captured part of a data packet; time, PSN and marks are filled in later."""
    if (qp, opcode) not in _templates:
        source, destination = _hosts(qp)
        reth = struct.pack(">QII", 0, 0x1001, MTU * MESSAGE_PACKETS) if opcode == _FIRST else b""
        bth = struct.pack(">BBHII", opcode, 0x40, 0xFFFF, 0x11 + qp, 0)
        frame = _frame(source, destination, 26 << 2 | 2, 0xC000 + qp % 0x4000, bth, reth + bytes(MTU))
        _templates[qp, opcode] = struct.pack("<IIII", 0, 0, SNAPLEN, len(frame)) + frame[:SNAPLEN]
    return _templates[qp, opcode]


def _answer(qp: int, psn: int, opcode: int, nak: bool) -> bytes:
    destination, source = _hosts(qp)
    cnp = opcode == _CNP
    bth = struct.pack(">BBHII", opcode, 0x40, 0xFFFF, cnp << 30 | 0x8011 + qp, 0 if cnp else psn)
    body = bytes(16) if cnp else bytes((0x60 if nak else 0x1F, 0, 0, 0))
    return _frame(source, destination, 48 << 2 if cnp else 26 << 2 | 2, 0xD000 + qp % 0x3000, bth, body)
