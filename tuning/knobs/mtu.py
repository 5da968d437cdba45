"""The size of an interface's frames. Above 1500 it is raised only with a proof: "9000 proven by 10.0.0.2"."""

import ipaddress
import re
from typing import Final

from analysis.text import N_, say
from tuning.failure import Refused
from tuning.host import Host
from tuning.knobs.knob import Knob, identified, interface, whole
from tuning.session import way_to
from tuning.steps import Act, Cell, Run, Step

_USUAL: Final = 1500
"""What every Ethernet carries."""
_HEADERS: Final = {4: 28, 6: 48}
"""IP and ICMP echo, without options."""
_VALUE: Final = re.compile(r"(\d{1,5})(?: proven by ([0-9A-Fa-f.:]{2,45}))?")


def _cell(key: str) -> Cell:
    return Cell(argv=("ip", "-o", "link", "show", "dev", interface(key)), sed=r"s/.* mtu \([0-9]*\) .*/\1/p")


def _set(key: str, value: str) -> Run:
    return Run(("ip", "link", "set", "dev", key, "mtu", value))


def _read(host: Host, key: str) -> str:
    return host.read(_cell(key))


def _steps(host: Host, key: str, value: str) -> tuple[Step, ...]:
    match = _VALUE.fullmatch(value)
    size, address = (match[1], match[2] or "") if match else (value, "")
    new, old = str(whole(size, 1280, 65_535, key)), _read(host, key)
    made: tuple[Act, ...] = (_set(key, new),)
    if int(new) > max(_USUAL, int(old)):
        made += (_proof(host, key, int(new), address),)
    return (identified(host, key, Step("mtu", key, _cell(key), old, new, made, (_set(key, old),))),)


def _proof(host: Host, key: str, mtu: int, address: str) -> Run:
    """Return what succeeds only if packets of full size, not to be fragmented, come back in the same size."""
    try:
        peer = ipaddress.ip_address(address)
    except ValueError as error:
        why = N_(
            "Raising the MTU of {interface} to {mtu} takes a proof: name a machine on this plane that must answer "
            "packets of that size, as in “{mtu} proven by 10.0.0.2”."
        )
        raise Refused(say(why, interface=key, mtu=mtu)) from error
    _, way = way_to(host, str(peer))
    if way != key:
        why = N_("The way to {address} is not over {interface}, so it proves nothing about it.")
        raise Refused(say(why, address=peer, interface=key))
    failed = N_(
        "No packets of {mtu} bytes came back from {address}: the other end or a switch on the way does not take them "
        "yet, or ping is missing."
    )
    size = str(mtu - _HEADERS[peer.version])
    argv = ("ping", "-n", "-q", "-M", "do", "-s", size, "-c", "3", "-i", "0.3", "-w", "10", "-I", key, str(peer))
    return Run(argv, say(failed, mtu=mtu, address=peer))


KNOB: Final = Knob(name="mtu", order=20, read=_read, steps=_steps, risk=lambda _: "R2", device=interface)
