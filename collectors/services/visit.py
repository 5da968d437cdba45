"""One visit to a TCP, TLS or HTTP service, phase by phase; how far it came is known wherever it ends."""

import asyncio
import re
import socket
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias
from urllib.parse import urljoin

import msgspec

from analysis.samples import Certificate, Check, Phases
from analysis.services.settings import ServiceSettings
from analysis.services.url import Place, is_address, place
from analysis.text import N_, Sentence, say
from collectors.names import Lookup
from collectors.services.http import Answer, get
from collectors.services.line import Failed, Line, connect
from collectors.services.tls import Trust, distrust, secured

_SECRETS: Final = re.compile(r"(?<=//)[^/]*@|[?#].*", re.DOTALL)
"""Of a URL that is recorded: name and password, and what follows the path."""
ADDRESSES_TRIED: Final = 4
"""Of one name, one after the other, where one refuses at once."""
Phase: TypeAlias = Literal["name", "connect", "tls", "http"]
_WAITING: Final[dict[Phase, Sentence]] = {
    "name": say(N_("the look-up of its name")),
    "connect": say(N_("the connection")),
    "tls": say(N_("the TLS handshake")),
    "http": say(N_("the HTTP answer")),
}


class Visit:
    """One visit. Make it once, then have it told."""

    def __init__(self, service: ServiceSettings, lookup: Lookup, trust: Trust, agent: str) -> None:
        self._service = service
        self._lookup = lookup
        self._trust = trust
        self._agent = agent
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._phase: Phase = "name"
        self._took: dict[str, int] = {}
        self._address: str | None = None
        self._certificate: Certificate | None = None
        self._answer: Answer | None = None
        self._problem: Failed | None = None

    async def make(self, now_ns: int) -> None:
        """Go through every phase. `now_ns`: the time by which certificates are judged."""
        try:
            async with asyncio.timeout(self._service.timeout_s):
                await self._through_redirects(now_ns)
            self._took["whole_us"] = int((self._loop.time() - self._began) * 1e6)
            self._judge()
        except TimeoutError:
            text = N_("no answer within {time} s; missing is {what}")
            why = say(text, time=f"{self._service.timeout_s:g}", what=_WAITING[self._phase])
            self._problem = Failed("timeout", why)
        except Failed as problem:
            self._problem = problem

    def told(self, now_ns: int) -> Check:
        """Return the visit as a sample."""
        problem, answer = self._problem, self._answer
        return Check(
            now_ns,
            self._service.label,
            failure=problem.failure if problem else None,
            why=problem.why if problem else None,
            address=self._address,
            by=problem.by if problem else None,
            phases=msgspec.structs.replace(Phases(), **self._took),
            status=answer.status if answer else None,
            cut=answer.cut if answer else False,
            certificate=self._certificate,
        )

    async def _through_redirects(self, now_ns: int) -> None:
        url = self._service.url
        for left in range(self._service.redirects, -1, -1):
            await self._go(place(url), now_ns)
            location = self._answer.location if self._answer else None
            if location is None or not left:
                return
            url = _onward(url, location)

    async def _go(self, where: Place, now_ns: int) -> None:
        """Visit one place."""
        sock, address = await self._connected(where)
        line = Line(sock)
        try:
            if where.kind in ("tls", "https"):
                self._phase = "tls"
                line, self._certificate, self._took["tls_us"] = await secured(
                    sock, address, where.port, where.host, self._trust
                )
                self._judge_certificate(self._certificate, where.host, now_ns // 10**9)
            if where.kind in ("http", "https"):
                self._phase = "http"
                self._answer = await get(line, where.authority, where.target, self._agent)
                self._took["first_byte_us"] = self._answer.first_byte_us
        finally:
            line.close()
            sock.close()

    async def _connected(self, where: Place) -> tuple[socket.socket, str]:
        """Connect to the first address that takes us. Raises Failed with what the last one said."""
        addresses = await self._addresses(where.host)
        self._phase = "connect"
        for left in range(len(addresses) - 1, -1, -1):
            address = self._address = addresses[-1 - left]
            try:
                sock, self._took["connect_us"] = await connect(address, where.port)
            except Failed:
                if not left:
                    raise
            else:
                return sock, address
        raise Failed("name", say(N_("its name has no address")))

    async def _addresses(self, host: str) -> Sequence[str]:
        self._phase = "name"
        if is_address(host):
            return (host,)
        began = self._loop.time()
        try:
            found = await self._lookup(host)
        except (OSError, ValueError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else type(problem).__name__
            raise Failed("name", say(N_("its name cannot be looked up ({reason})"), reason=reason)) from None
        self._took["name_us"] = int((self._loop.time() - began) * 1e6)
        return found[:ADDRESSES_TRIED]

    def _judge_certificate(self, certificate: Certificate, host: str, now_s: int) -> None:
        why = distrust(certificate, host, now_s) if self._service.verify else None
        if why is not None:
            raise Failed("certificate", why)

    def _judge(self) -> None:
        answer, good = self._answer, self._service.statuses
        if answer is None or (answer.status in good if good else 200 <= answer.status < 400):
            return
        raise Failed("status", say(N_("status {status}"), status=answer.status))


def _onward(url: str, location: str) -> str:
    """Return where a redirect leads. Raises Failed where that is no web page."""
    try:
        onward = urljoin(url, location)
        is_web = place(onward).kind in ("http", "https")
    except ValueError:
        is_web = False
    if not is_web:
        told = _SECRETS.sub("", location)[:200]
        raise Failed("protocol", say(N_("it redirects to what is no web page: {url}"), url=told))
    return onward
