"""Classic BPF: an assembler for the few instructions needed, and the filter that lets RoCE and pause frames through.

Syntax and semantics as in Documentation/networking/filter.rst; the kernel runs the filter before it copies anything.
"""

import re
import struct
from typing import Final

_LOADS: Final = (
    (re.compile(r"ldh \[(\d+)\]"), 0x28),
    (re.compile(r"ldb \[(\d+)\]"), 0x30),
    (re.compile(r"ldh \[x\+(\d+)\]"), 0x48),
    (re.compile(r"ldx 4\*\(\[(\d+)\]&0xf\)"), 0xB1),
    (re.compile(r"ret #(\d+)"), 0x06),
)
_JUMP: Final = re.compile(r"(jeq|jne|jset) #(\w+), (\w+)")
_ALWAYS: Final = re.compile(r"jmp (\w+)")
_CODES: Final = {"jeq": 0x15, "jne": 0x15, "jset": 0x45}
_LONGEST: Final = 255
_MOST_TAGS: Final = 2

_LEVEL: Final = """
tags{tags}:
ldh [{type}]
jeq #0x0800, four{tags}
jeq #0x86dd, six{tags}
jeq #0x8915, take
jeq #0x8808, take
{deeper}
jmp drop
four{tags}:
ldb [{protocol}]
jne #17, drop
ldh [{fragment}]
jset #0x1fff, drop
ldx 4*([{ip}]&0xf)
ldh [x+{port}]
jeq #4791, take
jmp drop
six{tags}:
ldb [{next}]
jne #17, drop
ldh [{port6}]
jeq #4791, take
jmp drop
"""


def assemble(text: str) -> bytes:
    """Return the `struct sock_filter` array of a program. Jumps go forward, to labels. Raises ValueError."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    labels: dict[str, int] = {}
    code: list[str] = []
    for line in lines:
        if line.endswith(":"):
            labels[line[:-1]] = len(code)
        else:
            code.append(line)
    return b"".join(_instruction(line, number, labels) for number, line in enumerate(code))


def _instruction(line: str, number: int, labels: dict[str, int]) -> bytes:
    for pattern, opcode in _LOADS:
        found = pattern.fullmatch(line)
        if found:
            return struct.pack("=HBBI", opcode, 0, 0, int(found[1]))
    found = _ALWAYS.fullmatch(line)
    if found:
        return struct.pack("=HBBI", 0x05, 0, 0, _way(labels, found[1], number))
    found = _JUMP.fullmatch(line)
    if not found:
        raise ValueError(f"no such instruction: {line}")
    way = _way(labels, found[3], number)
    if way > _LONGEST:
        raise ValueError(f"jump too far: {line}")
    if_true, if_false = (0, way) if found[1] == "jne" else (way, 0)
    return struct.pack("=HBBI", _CODES[found[1]], if_true, if_false, int(found[2], 0))


def _way(labels: dict[str, int], label: str, number: int) -> int:
    """Jumps count from the instruction that follows them."""
    way = labels[label] - number - 1
    if way < 0:
        raise ValueError(f"jump backward to {label}")
    return way


def roce_filter(snap: int) -> bytes:
    """Return a filter that keeps `snap` bytes of RoCEv1, RoCEv2 and pause frames, through up to two VLAN tags.

    RoCEv2 is UDP to port 4791 over IPv4 or IPv6; later fragments of a packet hold no ports and are left out.
    The tag that the NIC or kernel has already taken off is not part of the frame here.
    """
    levels = "".join(_level(tags) for tags in range(_MOST_TAGS + 1))
    return assemble(f"{levels}\ndrop:\nret #0\ntake:\nret #{snap}")


def _level(tags: int) -> str:
    kinds = ("0x8100", "0x88a8", "0x9100") if tags < _MOST_TAGS else ()
    ip = 14 + 4 * tags
    return _LEVEL.format(
        tags=tags,
        type=ip - 2,
        deeper="\n".join(f"jeq #{kind}, tags{tags + 1}" for kind in kinds),
        ip=ip,
        protocol=ip + 9,
        fragment=ip + 6,
        port=ip + 2,
        next=ip + 6,
        port6=ip + 42,
    )
