"""Checks services of a test as the collector would."""

import ssl

import trustme

from analysis.samples import Check
from analysis.services.settings import ServiceSettings
from collectors.clock import Clock
from collectors.names import Lookup
from collectors.services.check import Checker
from collectors.services.tls import Trust

PATIENT_S = 25.0
"""A check that should not time out; 60 s is the longest interval."""


def trusting(authority: trustme.CA) -> Trust:
    """Return a box's trust in one authority alone."""
    trust = Trust()
    strict = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    strict.check_hostname = False
    authority.configure_trust(strict)
    trust.__dict__["strict"] = strict
    return trust


async def nowhere(host: str) -> tuple[str, ...]:
    """A look-up that must not be asked."""
    raise AssertionError(host)


async def home(host: str) -> tuple[str, ...]:
    """A look-up that finds everything on this box."""
    return ("127.0.0.1",)


async def check(
    url: str, *, timeout_s: float = PATIENT_S, lookup: Lookup = home, trust: Trust | None = None, system=(), **more
) -> Check:
    """Check a URL once."""
    service = ServiceSettings(url, interval_s=60, timeout_s=timeout_s, **more)
    assert not list(service.faults())
    return await Checker(Clock(), lookup, lambda: system, "longpipe/test", trust).check(service)
