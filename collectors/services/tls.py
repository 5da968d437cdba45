"""A TLS handshake, and what the server showed in it, trusted or not."""

import asyncio
import socket
import ssl
from functools import cached_property

from analysis.samples import Certificate
from analysis.services.certificate import Identity, Unreadable, identity, matches
from analysis.services.rows import DAY_S
from analysis.text import N_, Sentence, say
from collectors.services.line import TlsLine, connect


class Trust:
    """How certificates are judged: read when first needed, because what a box trusts is a long list."""

    @cached_property
    def strict(self) -> ssl.SSLContext:
        """Return a context for which the chain has to be good; names are compared by us."""
        context = ssl.create_default_context()
        context.check_hostname = False
        return context

    @cached_property
    def lax(self) -> ssl.SSLContext:
        """Return a context that takes anything: to look at what is not trusted. Nothing secret is ever sent."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    def prepare(self) -> None:
        """Make both now."""
        _ = self.strict, self.lax


async def secured(
    sock: socket.socket, address: str, port: int, host: str, trust: Trust
) -> tuple[TlsLine, Certificate, int]:
    """Return the connection within TLS, what the server showed and how long that took in us. Raises Failed.

    Where the chain is not trusted OpenSSL shows nothing of it: then the server is visited once more, to see.
    """
    try:
        return await _shaken(TlsLine(sock, trust.strict, host), host, None)
    except ssl.SSLCertVerificationError as problem:
        again, _ = await connect(address, port)
        return await _shaken(TlsLine(again, trust.lax, host), host, problem.verify_message)


async def _shaken(line: TlsLine, host: str, problem: str | None) -> tuple[TlsLine, Certificate, int]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        await line.handshake()
    except BaseException:
        line.close()
        raise
    took_us = int((loop.time() - began) * 1e6)
    shown = _identity(line.tls.getpeercert(binary_form=True))
    return (
        line,
        Certificate(
            version=line.tls.version() or "",
            expires_s=shown.expires_s if shown else None,
            names=shown.names if shown else (),
            name_matches=matches(host, shown.names) if shown else False,
            problem=problem,
        ),
        took_us,
    )


def _identity(der: bytes | None) -> Identity | None:
    try:
        return identity(der or b"")
    except Unreadable:
        return None


def distrust(certificate: Certificate, host: str, now_s: int) -> Sentence | None:
    """Return why a certificate is not to be trusted, None where it is."""
    if certificate.expires_s is not None and certificate.expires_s < now_s:
        return say(N_("its certificate ended {days} days ago"), days=(now_s - certificate.expires_s) // DAY_S)
    if certificate.problem is not None:
        return say(N_("this box does not trust its certificate: {reason}"), reason=certificate.problem)
    if not certificate.name_matches:
        names = ", ".join(certificate.names[:3]) or "–"
        return say(N_("its certificate is for {names}, not for {host}"), names=names, host=host)
    return None
