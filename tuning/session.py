"""The path that carries the person's own session: what must not be cut."""

import ipaddress
import os
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final

from tuning.host import Host

SSH: Final = "SSH_CONNECTION"
_ANCESTORS: Final = 16
ELSEWHERE: Final = "192.0.2.1"
"""An address that belongs to nobody (RFC 5737): the way to it is the default way."""


def connection(environ: Mapping[str, str] = os.environ, proc: Path = Path("/proc")) -> str:
    """Return SSH_CONNECTION, ours or that of the nearest ancestor that has one: sudo does not hand it on."""
    pid = os.getppid()
    found = environ.get(SSH, "")
    for _ in range(_ANCESTORS):
        if found:
            break
        try:
            pairs = (proc / str(pid) / "environ").read_bytes().split(b"\0")
            status = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            break
        prefix = f"{SSH}=".encode()
        found = next((pair.removeprefix(prefix).decode() for pair in pairs if pair.startswith(prefix)), "")
        pid = int(status.rpartition(")")[2].split()[1])
    return found


def peer_of(ssh: str) -> str | None:
    """Return the address at the other end of the session, None where nobody came by SSH."""
    address = next(iter(ssh.split()), "")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return None
    return address


def way_to(host: Host, address: str) -> tuple[str | None, str]:
    """Return gateway (None where the address is on the link) and interface ("" for no way) to an address."""
    words = host.run("ip", "-o", "route", "get", address).out.split()
    after = dict(pairwise(words))
    return after.get("via"), after.get("dev", "")


def session_path(host: Host, peer: str | None) -> tuple[str, ...]:
    """Return the interface of the session and everything below it.

    Where nobody came by SSH, the default way out of the box counts: somebody else's session may be on it.
    """
    _, interface = way_to(host, peer or ELSEWHERE)
    found = [interface] if interface else []
    for name in found:
        entries = host.names(f"/sys/class/net/{name}")
        lowers = (entry.removeprefix("lower_") for entry in entries if entry.startswith("lower_"))
        found += [lower for lower in lowers if lower not in found]
    return tuple(found)
