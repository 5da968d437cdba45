"""Rates from running totals. A total that went back (a reset, a wrap, another device) gives None, never a number."""

from collections.abc import Mapping
from typing import Final

NO_ROOM: Final = ("rx_out_of_buffer", "rx_discards_phy", "rx_missed_errors", "rx_no_buffer_count", "rx_fifo_errors")
"""By these names drivers count packets that their card dropped for want of room; some count one under several."""


def grown(was: int | None, now: int | None) -> int | None:
    """Return by how much a running total grew, None where it is not known or went back."""
    return None if was is None or now is None or now < was else now - was


def rate_per_s(was: int | None, now: int | None, elapsed_ns: int) -> float | None:
    """Return the growth of a running total per second between two samples `elapsed_ns` apart, None as in `grown`."""
    more = grown(was, now)
    return None if more is None or elapsed_ns <= 0 else more * 1e9 / elapsed_ns


def growth(was: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """Return by how much each total grew; those that are new, gone or went back are left out."""
    return {name: now[name] - before for name, before in was.items() if now.get(name, -1) >= before}


def rates_per_s(was: Mapping[str, int], now: Mapping[str, int], elapsed_ns: int) -> dict[str, float]:
    """Return `growth` per second, empty where no time passed."""
    return {name: more * 1e9 / elapsed_ns for name, more in growth(was, now).items()} if elapsed_ns > 0 else {}


def share(was: int | None, now: int | None, total_was: int | None, total_now: int | None) -> float | None:
    """Return one counter's part of a total's growth, 0 to 1; None where unknown or the total stood still."""
    part, whole = grown(was, now), grown(total_was, total_now)
    return None if part is None or not whole else min(1.0, part / whole)
