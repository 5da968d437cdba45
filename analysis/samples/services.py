"""Services and ports as they answered: names, connections, handshakes, HTTP, and which ports let this box in."""

from typing import Literal, TypeAlias

import msgspec

from analysis.samples.base import Row, Sample
from analysis.text import Sentence

ServiceKind: TypeAlias = Literal["dns", "tcp", "tls", "http", "https"]

Failure: TypeAlias = Literal[
    "name",
    "refused",
    "unreachable",
    "timeout",
    "reset",
    "closed",
    "tls",
    "certificate",
    "status",
    "protocol",
    "answer",
]
"""What a check ended with: no address; a refusal; ICMP's or this box's word that there is no way; silence; a
connection cut or ended too early; no TLS; a certificate that is not to be trusted; an HTTP status outside the wanted
ones; an answer that is not HTTP; a resolver without an address."""


class Service(Sample, frozen=True, tag="service"):
    """Definition of a service that is checked again and again; later samples name it by `name`."""

    name: str
    kind: ServiceKind
    url: str
    interval_ns: int = 5_000_000_000
    timeout_ns: int = 3_000_000_000
    failures: int = 3
    """So many failed checks in a row, and the service is down."""
    successes: int = 3
    """So many good ones in a row, and it is up."""
    days_left: int = 0
    """A certificate that ends within so many days is worth a warning."""


class Phases(Row, frozen=True):
    """How long each part of a check took, in microseconds; None where it was not come to."""

    name_us: int | None = None
    connect_us: int | None = None
    tls_us: int | None = None
    first_byte_us: int | None = None
    """From the request to the first byte of the answer."""
    whole_us: int | None = None
    """From the beginning to the end of everything."""


class Certificate(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a server showed in a TLS handshake."""

    version: str
    """Of the protocol, as OpenSSL names it: "TLSv1.3"."""
    expires_s: int | None = None
    """Seconds since the epoch (notAfter); None where the certificate could not be read."""
    names: tuple[str, ...] = ()
    """DNS names and addresses it is good for."""
    name_matches: bool = False
    problem: str | None = None
    """Why the chain is not trusted on this box, in OpenSSL's words; None where it is."""


class DnsAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one resolver said when asked for one kind of record."""

    resolver: str
    record: Literal["A", "AAAA"]
    rcode: str | None = None
    """"NOERROR", "NXDOMAIN" …; None where no valid answer came."""
    addresses: tuple[str, ...] = ()
    also: tuple[tuple[str, ...], ...] = ()
    """Further, different answers to the same question: somebody on the way answers too."""
    took_us: int | None = None
    over_tcp: bool = False
    failure: Failure | None = None


class Check(Sample, frozen=True, tag="check"):
    """One check of a service, told when it ended."""

    service: str
    failure: Failure | None = None
    why: Sentence | None = None
    address: str | None = None
    """The address that was connected to."""
    by: str | None = None
    """Who refused, or said that there is no way, where that is known."""
    phases: Phases = Phases()
    status: int | None = None
    cut: bool = False
    """Whether reading ended before the answer did: it is longer than is read."""
    certificate: Certificate | None = None
    answers: tuple[DnsAnswer, ...] = ()


PortState: TypeAlias = Literal["open", "closed", "filtered", "unreachable"]
"""A handshake; a refusal; no answer at all; the word that there is no way."""
Listener: TypeAlias = Literal["none", "loopback", "one", "every"]
"""Who may come to a listening socket of this box: nobody, this box, one address, all addresses."""


class PortRow(Row, frozen=True):
    """One TCP port as seen from this box, and what it should be."""

    port: int
    wanted: bool
    """Whether it must be reachable; otherwise it must not."""
    state: PortState
    what: str = ""
    """What usually listens there."""
    by: str | None = None
    """Who refused or said that there is no way; "" is this box itself."""
    icmp: str | None = None
    """The ICMP message that said it: "icmp TYPE/CODE"."""
    took_us: int | None = None
    listener: Listener | None = None
    """Of this box, where the host is this box."""


class Ports(Sample, frozen=True, tag="ports"):
    """Every expected port of one host, after each look at all of them."""

    host: str
    address: str | None = None
    is_local: bool = False
    """Whether the address is one of this box's own: then nothing on the way was passed."""
    rows: tuple[PortRow, ...] = ()
    error: Sentence | None = None
    """Why nothing could be looked at."""
