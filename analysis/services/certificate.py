"""What an X.509 certificate says of its names and its end (RFC 5280): Python reads trusted ones only."""

from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final, NamedTuple

_SEQUENCE, _OCTETS, _OID = 0x30, 0x04, 0x06
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_DNS_NAME, _ADDRESS = 0x82, 0x87
_ALT_NAMES: Final = bytes((0x55, 0x1D, 0x11))
"""id-ce-subjectAltName, 2.5.29.17."""
_NAMES_LIMIT: Final = 200


class Unreadable(ValueError):
    """These bytes are no certificate."""


class Identity(NamedTuple):
    """Until when a certificate is good, in seconds since the epoch, and for which names and addresses."""

    expires_s: int
    names: tuple[str, ...]


def identity(der: bytes) -> Identity:
    """Read a certificate in DER. Raises Unreadable."""
    try:
        (_tag, certificate), *_ = _values(der)
        (_tag, signed), *_ = _values(certificate)
        fields = [field for field in _values(signed) if field[0] != _VERSION]
        # serial number, signature, issuer, validity, subject, key, then what is tagged
        end = list(_values(fields[3][1]))[1]
        return Identity(_time(*end), tuple(_names(fields[6:]))[:_NAMES_LIMIT])
    except (IndexError, ValueError, OverflowError) as problem:
        raise Unreadable(str(problem)) from None


def _values(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (tag, contents) of the values one after the other in DER (X.690, 8.1)."""
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            width = length & 0x7F
            length = int.from_bytes(data[at : at + width], "big")
            at += width
        if at + length > len(data):
            raise Unreadable("cut short")
        yield tag, data[at : at + length]
        at += length


def _time(tag: int, value: bytes) -> int:
    """Return a time (RFC 5280, 4.1.2.5): two digits of a year are 1950 to 2049."""
    text = value.decode("ascii")
    if tag == _UTC_TIME:
        text = ("20" if text[:2] < "50" else "19") + text
    elif tag != _GENERALIZED_TIME:
        raise Unreadable("no time")
    return int(datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp())


def _names(fields: list[tuple[int, bytes]]) -> Iterator[str]:
    """Yield the alternative names among the extensions."""
    for tag, value in fields:
        if tag != _EXTENSIONS:
            continue
        ((_, extensions),) = _values(value)
        for _, extension in _values(extensions):
            parts = list(_values(extension))
            if parts[0] == (_OID, _ALT_NAMES):
                yield from _general_names(parts[-1][1])


def _general_names(value: bytes) -> Iterator[str]:
    ((_, names),) = _values(value)
    for tag, name in _values(names):
        if tag == _DNS_NAME:
            yield name.decode("ascii")
        elif tag == _ADDRESS:
            yield str(ip_address(name))


def matches(host: str, names: tuple[str, ...]) -> bool:
    """Tell whether a certificate with these names is good for a host (RFC 9525, 6.3: "*" is a whole first label)."""
    try:
        wanted = str(ip_address(host))
    except ValueError:
        wanted = host.lower().rstrip(".")
    else:
        return wanted in names
    parent = "*." + wanted.partition(".")[2]
    return any(name.lower() in (wanted, parent) for name in names)
