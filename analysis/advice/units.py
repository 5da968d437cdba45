"""Numbers for formulas: short, no trailing zeros, decimal bytes beside bit rates. Tables use `analysis.units`."""

MIB = 1 << 20


def rate(bps: float) -> str:
    """Return a bit rate: 1.2e9 -> "1.2 Gb/s"."""
    for scale, unit in ((1e9, "Gb/s"), (1e6, "Mb/s"), (1e3, "kb/s")):
        if bps >= scale:
            return f"{_short(bps / scale)} {unit}"
    return f"{_short(bps)} b/s"


def tc_rate(bps: int) -> str:
    """Return a rate as tc(8) takes it and tells it again: 900000000 -> "900mbit", 1234567000 -> "1234mbit".

    Like it, rounds down where the largest unit leaves four digits or more (iproute2 lib/utils.c print_color_rate()).
    """
    rate, units = bps // 1000, ["kbit", "mbit", "gbit"]
    while len(units) > 1 and rate >= 1000 and (rate % 1000 == 0 or rate >= 1_000_000):
        rate //= 1000
        units.pop(0)
    return f"{rate}{units[0]}"


def size(count: float) -> str:
    """Return decimal bytes, as line rates count them: 5.7e6 -> "5.7 MB"."""
    for scale, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= scale:
            return f"{_short(count / scale)} {unit}"
    return f"{_short(count)} B"


def memory(count: float) -> str:
    """Return binary bytes, as the kernel counts memory: 6291456 -> "6 MiB"."""
    for scale, unit in ((1 << 30, "GiB"), (MIB, "MiB"), (1 << 10, "KiB")):
        if count >= scale:
            return f"{_short(count / scale)} {unit}"
    return f"{_short(count)} B"


def duration(seconds: float) -> str:
    """Return a time: 0.152 -> "152 ms"."""
    for scale, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= scale:
            return f"{_short(seconds / scale)} {unit}"
    return f"{_short(seconds * 1e6)} µs"


def _short(value: float) -> str:
    """Two significant digits below 10, whole numbers above, no trailing ".0"."""
    if value >= 9.95 or value == 0:
        return f"{value:.0f}"
    return f"{value:.2g}"
