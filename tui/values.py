"""Values of options: what was written in, a number out, or what is wrong with it."""

import math
import re
from argparse import ArgumentTypeError
from typing import Final

from tui.text import _

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZES: Final = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def seconds(text: str) -> float:
    """Return a time that an option was given."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.1 <= value <= 86400:
        raise ArgumentTypeError(_("must be seconds, from 0.1 to 86400"))
    return value


def count(text: str) -> int:
    """Return a count that an option was given."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
        raise ArgumentTypeError(_("must be a whole number from 1 up"))
    return int(text)


def duration(text: str) -> float:
    """Return the seconds in "90s", "15m", "8h", "2d" or a plain number of seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    if not found or not float(found[1]):
        raise ArgumentTypeError(_("{text} is no length of time; write 90s, 15m, 8h or 2d", text=text))
    return float(found[1]) * _UNITS[found[2] or "s"]


def size(text: str) -> int:
    """Return the bytes in "500k", "20M", "1G" or a plain number of bytes; k is 1024."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kmg]?)(?:i?b)?", text.lower())
    if not found or not float(found[1]):
        raise ArgumentTypeError(_("{text} is no size; write 500k, 20M or 1G", text=text))
    return int(float(found[1]) * _SIZES.get(found[2], 1))
