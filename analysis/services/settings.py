"""The services and ports to check, as a person writes them down."""

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from analysis.services.profiles import Profile
from analysis.services.url import BadUrl, place
from analysis.setting_types import Fault, Port, Strict, Text
from analysis.text import N_, say

Status = Annotated[int, Meta(ge=100, le=599)]
Times = Annotated[int, Meta(ge=1, le=10)]
Interval = Annotated[float, Meta(ge=1, le=60)]
"""No longer than a minute: ten checks must fit into what is read before a moment that is jumped to."""
Timeout = Annotated[float, Meta(ge=0.1, le=30)]


class ServiceSettings(Strict, frozen=True):
    """One service. The thresholds are those that load balancers ship: 5 s, 3 s, 3 and 3."""

    url: Annotated[
        Text,
        Meta(
            description=N_("dns:NAME, tcp://HOST:PORT, tls://HOST, http://HOST/PATH or https://HOST/PATH."),
            examples=["https://console.vast.ai/"],
        ),
    ]
    name: Annotated[
        Text | None, Meta(description=N_("What to call it on screen, if not by its URL."), examples=["console"])
    ] = None
    interval_s: Annotated[Interval, Meta(description=N_("Seconds from one check to the next."))] = 5.0
    timeout_s: Annotated[
        Timeout, Meta(description=N_("A check that is not done after this long has failed; below interval_s."))
    ] = 3.0
    failures: Annotated[Times, Meta(description=N_("So many failed checks in a row, and the service is down."))] = 3
    successes: Annotated[Times, Meta(description=N_("So many good checks in a row, and it is up."))] = 3
    resolvers: Annotated[
        tuple[Text, ...],
        Meta(
            description=N_('Of dns: whom to ask; "system" is what this box is set to. Their answers are compared.'),
            examples=[["system", "8.8.8.8", "114.114.114.114"]],
        ),
    ] = ("system",)
    records: Annotated[tuple[Literal["A", "AAAA"], ...], Meta(description=N_("Of dns: what to ask for."))] = (
        "A",
        "AAAA",
    )
    statuses: Annotated[
        tuple[Status, ...],
        Meta(description=N_("Of http and https: the statuses that are good; empty for 200 to 399.")),
    ] = ()
    redirects: Annotated[
        Annotated[int, Meta(ge=0, le=10)],
        Meta(description=N_("Of http and https: follow so many redirects; without, a redirect is the answer.")),
    ] = 0
    verify: Annotated[bool, Meta(description=N_("Of tls and https: an untrusted certificate is a failure."))] = True
    days_left: Annotated[
        Annotated[int, Meta(ge=0, le=365)],
        Meta(description=N_("Of tls and https: warn so many days before the certificate ends.")),
    ] = 14

    @property
    def label(self) -> str:
        """Return what the service is called in samples."""
        return self.name or self.url

    def faults(self) -> Iterator[Fault]:
        """Yield what does not go together."""
        try:
            kind = place(self.url).kind
        except BadUrl as problem:
            yield Fault("url", problem.problem)
            return
        if self.timeout_s >= self.interval_s:
            yield Fault("timeout_s", say(N_("a check must be over before the next one: below interval_s")))
        for key, kinds in _ONLY.items():
            if kind not in kinds and getattr(self, key) != getattr(_PLAIN, key):
                yield Fault(key, say(N_("a service of the kind {kind} does not have this"), kind=kind))
        for resolver in self.resolvers:
            if resolver != "system" and resolver_address(resolver) is None:
                yield Fault("resolvers", say(N_('{text} is neither "system" nor an address'), text=resolver))
        if not self.resolvers or not self.records:
            yield Fault("records" if self.resolvers else "resolvers", say(N_("there must be at least one")))


_PLAIN = ServiceSettings("dns:x")
_ONLY = {
    "resolvers": ("dns",),
    "records": ("dns",),
    "statuses": ("http", "https"),
    "redirects": ("http", "https"),
    "verify": ("tls", "https"),
    "days_left": ("tls", "https"),
}


class PortSettings(Strict, frozen=True):
    """A matrix of hosts and ports: the ports of a profile, and the person's own, on every one of the hosts."""

    hosts: Annotated[
        tuple[Text, ...],
        Meta(description=N_("Names or addresses."), examples=[["10.0.0.5", "10.0.0.6"]]),
    ]
    profile: Annotated[
        Profile | None,
        Meta(
            description=N_(
                'Ports that come together. "cluster": Ray, Redis, API and SSH, all reachable; "cluster-outside": the '
                "same seen from elsewhere, where only API and SSH may be reachable."
            ),
            examples=["cluster"],
        ),
    ] = None
    reachable: Annotated[
        tuple[Port, ...], Meta(description=N_("Ports that must be reachable from here."), examples=[[22, 8000]])
    ] = ()
    unreachable: Annotated[
        tuple[Port, ...],
        Meta(description=N_("Ports that must not be reachable from here."), examples=[[6379, 8265]]),
    ] = ()
    interval_s: Annotated[
        Annotated[float, Meta(ge=10, le=3600)], Meta(description=N_("Seconds from one look to the next."))
    ] = 60.0
    timeout_s: Annotated[
        Annotated[float, Meta(ge=0.1, le=9)],
        Meta(
            description=N_(
                "A port without an answer for this long is filtered; above 1 s a lost packet is sent again."
            )
        ),
    ] = 3.0

    def faults(self) -> Iterator[Fault]:
        """Yield what does not go together."""
        if not self.hosts:
            yield Fault("hosts", say(N_("there must be at least one")))
        both = sorted({*self.reachable} & {*self.unreachable})
        if both:
            yield Fault("unreachable", say(N_("{ports} must be reachable too"), ports=", ".join(map(str, both))))
        if self.profile is None and not self.reachable and not self.unreachable:
            yield Fault("hosts", say(N_("nothing is expected of them: give profile, reachable or unreachable")))


def resolver_address(text: str) -> tuple[str, int] | None:
    """Return address and port of a resolver ("8.8.8.8", "192.0.2.1:5353", "[2001:db8::1]:53"), None of other text."""
    address, port = text, "53"
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") if rest else "53"
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return None
    return (address, int(port)) if port.isascii() and port.isdecimal() and 0 < int(port) < 65536 else None
