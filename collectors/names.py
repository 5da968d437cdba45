"""Names of targets turned into addresses: asked for now and then, never per probe, never on the loop's thread."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Final, TypeAlias

from analysis.samples import Name, Route
from analysis.services.url import is_address
from analysis.settings import TargetSettings
from analysis.text import N_, Sentence, say
from collectors.clock import Clock
from collectors.threads import DaemonThreads

AGAIN_S: Final = 60.0
RETRY_S: Final = (2.0, 5.0, 10.0, 30.0, 60.0)
THREADS: Final = 4
RESOLV_CONF: Final = Path("/etc/resolv.conf")
RESOLVED_CONF: Final = Path("/run/systemd/resolve/resolv.conf")
"""The servers behind systemd-resolved's stub (systemd-resolved.service(8))."""
_REASONS: Final[dict[int | None, str]] = {
    socket.EAI_NONAME: N_("no such name"),
    socket.EAI_NODATA: N_("no address"),
    socket.EAI_AGAIN: N_("no answer from the resolvers"),
    socket.EAI_FAIL: N_("the resolvers refuse"),
}
"""What getaddrinfo(3) says, in fewer words and translatable."""

Lookup: TypeAlias = Callable[[str], Awaitable[tuple[str, ...]]]
"""Return a name's addresses in the resolver's order; raise OSError (socket.gaierror) where there are none."""
Publish: TypeAlias = Callable[[Name], None]


def label(target: TargetSettings) -> str:
    """Return what a target is called in samples."""
    return target.name or target.host


def system_lookup(threads: int = THREADS) -> Lookup:
    """Return a look-up by the system's resolver, in a few threads of its own."""
    pool = DaemonThreads(threads, "longpipe-names")

    async def lookup(host: str) -> tuple[str, ...]:
        found = await pool.call(socket.getaddrinfo, host, None, 0, socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))

    return lookup


def choose(known: tuple[str, ...], found: Iterable[str], target: TargetSettings) -> tuple[str, ...]:
    """Return the addresses to probe: at most `target.addresses` of each family.

    Those in use stay while the name still has them: resolvers shuffle their answers, and a graph should not.
    """
    found = tuple(found)
    ordered = [address for address in known if address in found]
    ordered += [address for address in found if address not in ordered]
    chosen: list[str] = []
    for family in ("4", "6"):
        if target.family in ("any", "both", family):
            chosen += [address for address in ordered if (":" in address) == (family == "6")][: target.addresses]
    return tuple(chosen)


async def follow(target: TargetSettings, lookup: Lookup, clock: Clock, publish: Publish) -> None:
    """Publish a target's addresses whenever they change, for ever. What was known stays where a look-up fails.

    At first, that they are not known yet: dead resolvers take half a minute to be told as that.
    """
    if is_address(target.host):
        publish(Name(clock.now_ns(), label(target), choose((), (target.host,), target)))
        return
    publish(Name(clock.now_ns(), label(target)))
    known: tuple[str, ...] = ()
    told: tuple[tuple[str, ...], Sentence | None] | None = None
    failures = 0
    while True:
        error: Sentence | None = None
        try:
            known = choose(known, await lookup(target.host), target)
        except (OSError, ValueError) as problem:
            error = _why(target, problem, known)
        if error is None and not known:
            error = say(
                N_("{name} has no IPv{family} address. Check its family in the configuration."),
                name=label(target),
                family=target.family,
            )
        if (known, error) != told:
            told = known, error
            publish(Name(clock.now_ns(), label(target), known, error))
        await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)] if error else AGAIN_S)
        failures = failures + 1 if error else 0


def _why(target: TargetSettings, problem: OSError | ValueError, known: tuple[str, ...]) -> Sentence:
    reason = _reason(problem)
    if known:
        return say(
            N_(
                "{name} cannot be looked up now ({reason}). Its last known addresses are probed. Check the resolvers."
            ),
            name=label(target),
            reason=reason,
        )
    return say(
        N_("{name} cannot be looked up ({reason}), so it is not probed. Check the name and the resolvers."),
        name=label(target),
        reason=reason,
    )


def _reason(problem: OSError | ValueError) -> str | Sentence:
    if isinstance(problem, socket.gaierror) and (text := _REASONS.get(problem.errno)) is not None:
        return say(text)
    return problem.strerror if isinstance(problem, OSError) and problem.strerror else type(problem).__name__


def parse_resolv_conf(text: str) -> tuple[str, ...]:
    """Return the name servers of a resolv.conf(5), in order; what is not an address is left out."""
    words = (line.split() for line in text.splitlines())
    servers = (line[1] for line in words if len(line) >= 2 and line[0] == "nameserver")
    return tuple(dict.fromkeys(server for server in servers if is_address(server)))


def read_resolvers(conf: Path = RESOLV_CONF, behind_stub: Path = RESOLVED_CONF) -> tuple[str, ...]:
    """Return the resolvers of this box; those behind systemd-resolved's stub (127.0.0.53) in its place."""
    servers = _servers(conf)
    if any(server.startswith("127.0.0.5") for server in servers):
        return _servers(behind_stub) or servers
    return servers


def asked_resolvers(conf: Path = RESOLV_CONF) -> tuple[str, ...]:
    """Return whom programs on this box ask: a stub on this box, where there is one."""
    return _servers(conf)


def _servers(path: Path) -> tuple[str, ...]:
    try:
        return parse_resolv_conf(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ()  # no file, no servers: said as such by whoever shows them


async def follow_resolvers(
    target: TargetSettings, clock: Clock, publish: Publish, read: Callable[[], tuple[str, ...]] = read_resolvers
) -> None:
    """Publish the resolvers of this box whenever they change, for ever."""
    told: tuple[str, ...] | None = None
    while True:
        servers = read()
        if servers != told:
            told = servers
            error = (
                None if servers else say(N_("This box has no resolvers in /etc/resolv.conf, so no name resolves."))
            )
            publish(Name(clock.now_ns(), label(target), servers, error))
        await asyncio.sleep(AGAIN_S)


def gateways(target: TargetSettings, routes: tuple[Route, ...], t: int) -> Name:
    """Return the gateways of the routes as they are now; link-local ones with their interface as zone."""
    found = (
        f"{route.gateway}%{route.interface}" if route.gateway.lower().startswith("fe80:") else route.gateway
        for route in routes
        if route.gateway and not route.standby
    )
    addresses = tuple(dict.fromkeys(found))
    if addresses:
        return Name(t, label(target), addresses)
    if any(not route.standby for route in routes):
        return Name(
            t, label(target), error=say(N_("The ways out of this box are point-to-point, without a gateway."))
        )
    error = say(N_("This box has no gateway: nothing beyond its own links can be reached."))
    return Name(t, label(target), error=error)
