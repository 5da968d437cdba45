"""Stand-ins for addresses and names: the same one for the same thing, and no way back.

Stand-ins are handed out in the order in which things are met and carry nothing else of them, neither prefix nor
length; the table lives as long as one export. What an address is for (loopback, multicast, private, link-local)
is kept, which network it is in is not.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

_V4: Final = r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)"
_V6: Final = r"(?<![\w:.])(?=[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:)[0-9A-Fa-f:]*(?:(?:\d{1,3}\.){3}\d{1,3})?(?![\w:]|\.\d)"
_HARDWARE: Final = r"(?<![\w:-])[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5,19}(?![\w:-])"
_GUID: Final = r"(?<![\w:])[0-9A-Fa-f]{4}(?::[0-9A-Fa-f]{4}){3}(?![\w:])"
_FOUND: Final = re.compile(f"(?P<mac>{_HARDWARE})|(?P<guid>{_GUID})|(?P<v6>{_V6})|(?P<v4>{_V4})")

_PRIVATE_4: Final = int(IPv4Address("198.18.0.0"))
"""RFC 2544: for benchmarks, so nobody's."""
_GLOBAL_4: Final = int(IPv4Address("240.0.0.0"))
_LOCAL_6: Final = int(IPv6Address("fe80::5eed:0:0"))
_PRIVATE_6: Final = int(IPv6Address("2001:db8:1::"))
_GLOBAL_6: Final = int(IPv6Address("2001:db8::"))
"""RFC 3849: for documentation."""


class Pseudonyms:
    """The table of one export."""

    def __init__(self) -> None:
        self._stand_ins: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._names: re.Pattern[str] | None = None

    def learn(self, text: str, kind: str) -> None:
        """Note a name (`kind`: "host", "target", "if") that must not appear anywhere."""
        if text and text not in self._stand_ins and not _FOUND.fullmatch(text):
            self._stand_ins[text] = self._next(kind)
            self._names = None

    @staticmethod
    def is_address(text: str) -> bool:
        """Tell whether a text looks like an address, a hardware address or a GUID, and nothing else."""
        return bool(_FOUND.fullmatch(text))

    def known(self, text: str) -> str | None:
        """Return the stand-in of a whole text that was met before."""
        return self._stand_ins.get(text)

    def stand_in(self, text: str, kind: str) -> str:
        """Return the stand-in of any text, a new one where it was not met before."""
        if text not in self._stand_ins:
            self._stand_ins[text] = self._next(kind)
        return self._stand_ins[text]

    def addresses(self, text: str) -> str:
        """Return a text with every address in it replaced, hardware addresses and GUIDs too."""
        return _FOUND.sub(lambda found: self._address(found[0], str(found.lastgroup)), text)

    def scrubbed(self, text: str) -> str:
        """Return a text with every address and every learnt name in it replaced."""
        if self._names is None:
            self._names = _any_of(self._learnt())
        return self._names.sub(lambda found: self._stand_ins[found[0].replace("/", ".")], self.addresses(text))

    def _learnt(self) -> list[str]:
        return [text for text in self._stand_ins if not _FOUND.fullmatch(text)]

    def _address(self, text: str, kind: str) -> str:
        if kind in ("mac", "guid"):
            if not text.strip("0:-") or not text.lower().strip("f:-"):
                return text
            return self.stand_in(text.lower(), kind)
        try:
            address = ip_address(text)
        except ValueError:
            return self.stand_in(text, "id") if len(text) > 6 else text
        if address.is_loopback or address.is_unspecified or address.is_multicast or str(address) == "255.255.255.255":
            return str(address)
        name = str(address)
        if name not in self._stand_ins:
            self._stand_ins[name] = self._new_address(address)
        return self._stand_ins[name]

    def _new_address(self, address: IPv4Address | IPv6Address) -> str:
        inner = address.is_private or not address.is_global
        if isinstance(address, IPv4Address):
            return str(IPv4Address((_PRIVATE_4 if inner else _GLOBAL_4) + self._count("v4 inner" if inner else "v4")))
        if address.is_link_local:
            return str(IPv6Address(_LOCAL_6 + self._count("v6 local")))
        return str(IPv6Address((_PRIVATE_6 if inner else _GLOBAL_6) + self._count("v6 inner" if inner else "v6")))

    def _next(self, kind: str) -> str:
        number = self._count(kind)
        if kind == "mac":
            return f"02:00:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
        return f"{kind}-{number}"

    def _count(self, kind: str) -> int:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._counts[kind]


def _any_of(names: list[str]) -> re.Pattern[str]:
    """Return a pattern of any of the names as a whole word, dots of interface names also as slashes (sysctl)."""
    words = [re.escape(name).replace(r"\.", "[./]") for name in sorted(names, key=len, reverse=True)]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(words)})(?![\w-])") if words else re.compile(r"(?!)")
