"""Whole numbers as few bytes: little-endian base 128 (LEB128), so that small numbers take one byte."""

from collections.abc import Iterable
from typing import Final

_LONGEST: Final = 63


def pack(numbers: Iterable[int]) -> bytes:
    """Return the bytes of non-negative `numbers`, one after the other."""
    out = bytearray()
    append = out.append
    for number in numbers:
        rest = number
        while rest > 127:
            append(rest & 127 | 128)
            rest >>= 7
        append(rest)
    return bytes(out)


def unpack(data: bytes | bytearray) -> list[int]:
    """Return the numbers that `pack` was given. Raises ValueError where one is cut off or over 64 bits."""
    out: list[int] = []
    append = out.append
    number = shift = 0
    for byte in data:
        if byte > 127:
            number |= (byte & 127) << shift
            shift += 7
            if shift > _LONGEST:
                raise ValueError("a packed number is longer than 64 bits")
        elif shift:
            append(number | byte << shift)
            number = shift = 0
        else:
            append(byte)
    if shift:
        raise ValueError("packed numbers end in the middle of one")
    return out
