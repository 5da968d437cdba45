"""Kernel packet stamps: asked for as far as this kernel gives them, and checked before they are believed."""

import socket
from typing import Final, NamedTuple

from analysis.samples import Stamps
from collectors.clock import Reading
from collectors.probe.flights import Flight
from collectors.probe.linux import (
    OPT_ID,
    OPT_TSONLY,
    RX_SOFTWARE,
    SO_TIMESTAMPING,
    SO_TIMESTAMPNS,
    SOFTWARE,
    TX_SOFTWARE,
    tx_key,
)

STEP_NS: Final = 1_000_000
"""More than this between wall and monotonic clock during one probe is a step; slewing makes 0.5 ms in a second."""
SLACK_NS: Final = 1_000_000


class Stamping(NamedTuple):
    """What a socket's stamps are, and whether each packet names its own key."""

    stamps: Stamps
    keyed: bool


def enable(sock: socket.socket, *, sending: bool = True) -> Stamping:
    """Turn on the best packet stamps this kernel has for `sock` and return what they are; `sending`: of both ways."""
    if not sending:
        return _receive_only(sock)
    both = TX_SOFTWARE | RX_SOFTWARE | SOFTWARE
    keyed = _takes_keys()
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, both | OPT_ID | OPT_TSONLY if keyed else both)
    except OSError:
        return _receive_only(sock)
    return Stamping("kernel", keyed)


def _receive_only(sock: socket.socket) -> Stamping:
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    except OSError:
        return Stamping("user", keyed=False)
    return Stamping("kernel-rx", keyed=False)


def _takes_keys() -> bool:
    """Tell whether a packet can name its transmit stamp, by sending one from a socket to itself."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, SOFTWARE | TX_SOFTWARE | OPT_ID | OPT_TSONLY)
            sock.bind(("127.0.0.1", 0))
            sock.sendmsg([b""], [tx_key(1)], 0, sock.getsockname())
        except OSError:
            return False
        return True


def rtt_ns(flight: Flight, rx_stamp_ns: int | None, now: Reading) -> int:
    """Return the round-trip time of a reply read at `now`, in ns.

    Kernel stamps are of the wall clock. They count only where that clock ran with the monotonic one all the
    while and the result fits between sending and now; else the monotonic clock decides, which is never less
    than the truth.
    """
    longest = now.mono_ns - flight.sent_ns
    if rx_stamp_ns is None or abs(now.offset_ns - flight.clock_offset_ns) > STEP_NS:
        return longest
    sent = flight.tx_stamp_ns if flight.tx_stamp_ns is not None else flight.sent_ns + flight.clock_offset_ns
    measured = rx_stamp_ns - sent
    return measured if 0 <= measured <= longest + SLACK_NS else longest
