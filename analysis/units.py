"""Numbers as people read them, never wider than nine characters; "–" for what is not known.

One rounding rule: three significant digits, two for percentages below 90 and counts; whole numbers are never
cut. Digits kept are shown even where they are zeros, so that columns hold still.
"""

from typing import Final

NONE: Final = "–"
_DECIMAL: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_BINARY: Final = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"))
SECOND_NS: Final = 10**9


def milliseconds(us: float | None) -> str:
    """Return microseconds in ms, without the unit: 152_345 -> "152", 4130 -> "4.13", 21 -> "0.021"."""
    return NONE if us is None else significant(us / 1000, most=3)


def percent(ratio: float | None) -> str:
    """Return a ratio: 0.0312 -> "3.1%", 0.995 -> "99.5%". Only nothing reads "0%", only all of it "100%"."""
    if ratio is None:
        return NONE
    if ratio in {0, 1}:
        return f"{ratio:.0%}"
    if 0.9995 <= ratio < 1:
        return ">99.9%"
    return "<0.01%" if 0 < ratio < 0.0000995 else significant(ratio * 100, digits=2 + (ratio >= 0.9)) + "%"


def percent_of(ratio: float | None, n: int) -> str:
    """Return a ratio with the number it rests on: "3.1% (n 600)"."""
    return f"{percent(ratio)} (n {count(n)})"


def megabits(mbps: float | None) -> str:
    """Return Mb/s without the unit: 84 -> "84.0"."""
    return NONE if mbps is None else significant(mbps)


def bits_per_s(bps: float | None) -> str:
    """Return a rate in b/s: 2.41e9 -> "2.41 Gb/s"."""
    return NONE if bps is None else _scaled(bps, _DECIMAL, "b/s")


def per_second(rate: float | None) -> str:
    """Return events a second: 12.34 -> "12.3/s", 1234 -> "1.23k/s"."""
    return NONE if rate is None else _scaled(rate, _DECIMAL, "/s", gap="")


def size(number: float | None) -> str:
    """Return bytes in binary units: 6 * 2**20 -> "6.00 MiB"."""
    if number is None:
        return NONE
    for scale, unit in _BINARY:
        if abs(number) >= scale * 0.9995:
            return f"{significant(number / scale)} {unit}"
    return f"{number:.0f} B"


def count(number: float | None) -> str:
    """Return how many: 600 -> "600", 1234 -> "1.2k", 34_600_000 -> "35M"."""
    if number is None:
        return NONE
    for scale, prefix in reversed(_DECIMAL):
        if abs(number) < 999.5:
            return f"{number:.0f}"
        if abs(number) / scale < 999.5:
            return significant(number / scale, digits=2) + prefix
    return significant(number / 1e12, digits=2) + "T"


def duration(ns: float | None) -> str:
    """Return a length of time by its two largest units: "850 ms", "2.5 s", "12 s", "2m05s", "6h12m", "3d04h"."""
    if ns is None:
        return NONE
    seconds = ns / SECOND_NS
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86_400}d{whole % 86_400 // 3600:02}h"


def significant(value: float, digits: int = 3, most: int = 2) -> str:
    """Return `value` rounded to `digits` significant digits, with at most `most` after the point."""
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return f"{value:.{min(most, max(0, digits - 1 - exponent))}f}"


def _scaled(value: float, scales: tuple[tuple[float, str], ...], unit: str, gap: str = " ") -> str:
    for scale, prefix in scales:
        if abs(value) >= scale * 0.9995:
            return f"{significant(value / scale)}{gap}{prefix}{unit}"
    return f"{0 if not value else significant(value)}{gap}{unit}"
