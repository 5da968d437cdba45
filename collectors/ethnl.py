"""What ethtool's netlink interface tells better than its ioctl, by hand; blocking (uapi/linux/ethtool_netlink.h).

The ioctl says 0 for what a driver does not have; netlink leaves it out.
"""

from struct import Struct
from typing import Final

from collectors.netlink import ask, attributes, number, packed, text

_NETLINK_GENERIC: Final = 16
_CONTROL: Final = 16
"""GENL_ID_CTRL."""
_GENL: Final = Struct("=BBxx")
_GET_FAMILY: Final = 3
_FAMILY_ID, _FAMILY_NAME = 1, 2
_FEATURES_GET, _COALESCE_GET, _PAUSE_GET = 11, 19, 21
_HEADER, _DEVICE_NAME = 1, 2
_RX_USECS, _ADAPTIVE_RX = 2, 11
_PAUSE_RX, _PAUSE_TX = 3, 4
_HARDWARE, _WANTED, _ACTIVE, _UNCHANGEABLE = 2, 3, 4, 5
_NO_MASK, _BITS, _BIT, _BIT_NAME, _BIT_SET = 1, 3, 1, 2, 3

Fields = dict[int, memoryview]


class Ethnl:
    """Asks for one device at a time. Making one raises OSError (ENOENT) on kernels before 5.6."""

    def __init__(self) -> None:
        named = packed(_FAMILY_NAME, b"ethtool\0")
        answer = ask(_NETLINK_GENERIC, _CONTROL, _GENL.pack(_GET_FAMILY, 1) + named)
        self._family = int.from_bytes(_fields(answer[0])[_FAMILY_ID], "little")

    def coalesce(self, name: str) -> dict[str, str | None]:
        """Return `adaptive_rx` and `rx_usecs`, None where the driver has no such thing."""
        told = self._get(_COALESCE_GET, name)
        usecs = told.get(_RX_USECS)
        return {
            "adaptive_rx": _switch(told.get(_ADAPTIVE_RX)),
            "rx_usecs": None if usecs is None else str(number(usecs)),
        }

    def pause(self, name: str) -> dict[str, str | None]:
        """Return `pause_rx` and `pause_tx`: 802.3x global pause."""
        told = self._get(_PAUSE_GET, name)
        return {"pause_rx": _switch(told.get(_PAUSE_RX)), "pause_tx": _switch(told.get(_PAUSE_TX))}

    def features(self, name: str, wanted: dict[str, str]) -> dict[str, str | None]:
        """Return the state of the features `wanted` (kernel's name by ours) as `ethtool -k` prints it."""
        told = self._get(_FEATURES_GET, name)
        sets = {kind: _bits(told[kind]) for kind in (_HARDWARE, _WANTED, _ACTIVE, _UNCHANGEABLE) if kind in told}
        if len(sets) < 4:
            return dict.fromkeys(wanted)
        return {ours: _state(theirs, sets) for ours, theirs in wanted.items()}

    def _get(self, command: int, name: str) -> Fields:
        header = packed(_HEADER | 0x8000, packed(_DEVICE_NAME, name.encode() + b"\0"))
        answers = ask(_NETLINK_GENERIC, self._family, _GENL.pack(command, 1) + header)
        return _fields(answers[0]) if answers else {}


def _fields(message: memoryview) -> Fields:
    return dict(attributes(message, _GENL.size, len(message)))


def _bits(bitset: memoryview) -> frozenset[str]:
    """Return the names that are set in a verbose bitset; one with a mask lists those that are not set too."""
    parts = dict(attributes(bitset, 0, len(bitset)))
    bits = parts.get(_BITS, memoryview(b""))
    each = (dict(attributes(bit, 0, len(bit))) for kind, bit in attributes(bits, 0, len(bits)) if kind == _BIT)
    return frozenset(
        text(bit[_BIT_NAME]) for bit in each if _BIT_NAME in bit and (_NO_MASK in parts or _BIT_SET in bit)
    )


def _state(name: str, sets: dict[int, frozenset[str]]) -> str:
    active = name in sets[_ACTIVE]
    state = "on" if active else "off"
    if name not in sets[_HARDWARE] or name in sets[_UNCHANGEABLE]:
        return f"{state} [fixed]"
    if (name in sets[_WANTED]) != active:
        return f"{state} [requested {'off' if active else 'on'}]"
    return state


def _switch(payload: memoryview | None) -> str | None:
    return None if payload is None else "on" if payload[0] else "off"
