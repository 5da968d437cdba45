"""What a service's URL says: dns:NAME (RFC 4501), tcp://HOST:PORT, tls://HOST[:443], http://… and https://…."""

import re
from ipaddress import ip_address
from typing import Final, NamedTuple, get_args
from urllib.parse import quote, urlsplit

from analysis.samples import ServiceKind
from analysis.text import N_, Sentence, say

KINDS: Final[tuple[ServiceKind, ...]] = get_args(ServiceKind)
_PORTS: Final[dict[str, int]] = {"dns": 53, "tls": 443, "http": 80, "https": 443}
_LABEL: Final = re.compile(r"[A-Za-z0-9_-]{1,63}")
_IN_TARGETS: Final = "/?&=;:@!$'()*+,%~"


class Place(NamedTuple):
    """Where a service is. `target`: path and query of an HTTP request, in ASCII (RFC 9112, 3.2.1)."""

    kind: ServiceKind
    host: str
    port: int
    target: str = "/"

    @property
    def authority(self) -> str:
        """Return the Host field: no port where it is the scheme's own (RFC 9110, 4.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS.get(self.kind) else f"{host}:{self.port}"


class BadUrl(ValueError):
    """A text that names no service; `problem` says why."""

    def __init__(self, problem: Sentence) -> None:
        super().__init__(str(problem))
        self.problem = problem


def place(url: str) -> Place:
    """Return what a URL names. Raises BadUrl."""
    scheme = url.partition(":")[0].lower()
    kind = next((kind for kind in KINDS if kind == scheme), None)
    if kind is None:
        raise BadUrl(
            say(N_("a service is dns:NAME, tcp://HOST:PORT, tls://HOST, http://HOST/PATH or https://HOST/PATH"))
        )
    if not url.isprintable() or " " in url:
        raise BadUrl(say(N_("there are blanks or control characters in it")))
    if kind == "dns":
        return Place(kind, _name(url.partition(":")[2].rstrip(".")), _PORTS[kind])
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(kind)
    except ValueError:
        raise BadUrl(say(N_("its port or its address is not one"))) from None
    if parts.username is not None:
        raise BadUrl(say(N_("names and passwords do not belong there: they would be recorded")))
    if port is None:
        raise BadUrl(say(N_("a port is missing: tcp://HOST:PORT")))
    if kind in ("tcp", "tls") and (parts.path.strip("/") or parts.query):
        raise BadUrl(say(N_("only http and https have a path")))
    target = quote(parts.path or "/", safe=_IN_TARGETS) + (
        f"?{quote(parts.query, safe=_IN_TARGETS)}" if parts.query else ""
    )
    return Place(kind, _host(parts.hostname or ""), port, target)


def _host(host: str) -> str:
    """Return an address or a name as it is asked for (RFC 5891). Raises BadUrl where it is neither."""
    return host if host.isascii() and is_address(host) else _name(host)


def _name(host: str) -> str:
    try:
        name = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        name = ""
    labels = name.split(".")
    if len(name) > 253 or is_address(name) or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadUrl(say(N_("its host is not a name that can be asked for, and no address")))
    return name


def is_address(host: str) -> bool:
    """Tell whether `host` is an address already, with or without a zone."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
