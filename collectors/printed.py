"""What single commands print, one small reader for each; none of them raises on anything but ValueError."""

import re
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from typing import Final

from analysis.samples import TcpFlow

_NUMBER: Final = re.compile(r"\d+")
_STAT: Final = re.compile(r"^\s+(.+?): (\d+)$", re.MULTILINE)
_CONTROL: Final = re.compile(r"(\S+)(?: wscale:\S+)? rto:")
_FIELD: Final = re.compile(r"(?<!\S)(\w+):(\S+)")
_RATE: Final = re.compile(r"(?<!\S)(pacing_rate|delivery_rate) (\d+)bps")
_ENDS: Final = re.compile(r"^ESTAB\s+\d+\s+\d+\s+(\S+):(\d+)\s+(\S+):(\d+)\s*(.*)$", re.DOTALL)
_GPU: Final = re.compile(r"\S+ [^\[]*\[(?:0300|0302|0380|1200)\].*\[(?:10de|1002):")
_UNIT_US: Final = {"ms": 1000, "us": 1}


def section(text: str, title: str) -> dict[str, str]:
    """Return the "name: value" lines below a line that begins with `title` ("Current hardware settings")."""
    found: dict[str, str] = {}
    inside = False
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if name.startswith(title):
            inside = True
        elif inside and colon and not value.strip():
            break
        elif inside and colon:
            found[name.strip()] = value.strip()
    return found


def lines(text: str) -> dict[str, str]:
    """Return all "name: value" lines; the first of each name counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip(), value.strip())
    return found


def available(value: str | None) -> str | None:
    """Return a value of ethtool's, None for "n/a"."""
    return None if value is None or value in ("", "n/a") else value


def nic_counters(text: str) -> dict[str, int]:
    """Return the counters of `ethtool -S`."""
    return {name: int(value) for name, value in _STAT.findall(text)}


def nstat(text: str) -> dict[str, int]:
    """Return the totals of `nstat -asz` by the kernel's names."""
    rows = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return {row[0]: int(row[1]) for row in rows if len(row) >= 2 and row[1].isdecimal()}


def pfc_priorities(text: str) -> str:
    """Return the priorities with PFC that `dcb pfc show` or `mlnx_qos` tells; raise ValueError where neither does."""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["prio-pfc"]:
            return " ".join(word.partition(":")[0] for word in words[1:] if word.endswith(":on"))
        if words[:1] == ["enabled"] and len(words) == 9:
            return " ".join(str(number) for number, state in enumerate(words[1:]) if state == "1")
    raise ValueError


def trust(text: str) -> str:
    """Return what a card sorts by, from `dcb app show` or `mlnx_qos`."""
    told = lines(text).get("Priority trust state")
    return told.split()[0] if told else "dscp" if "dscp-prio" in text else "pcp"


def gids(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield index, type and address of the GIDs in `ibv_devinfo -v`."""
    for number, address, kind in re.findall(r"GID\[\s*(\d+)\]:\s*([0-9a-fA-F:.]+)(?:, (.*))?", text):
        yield int(number), kind or "IB", address


def gpus(text: str) -> int:
    """Count the display and accelerator devices of NVIDIA and AMD in `lspci -nn`."""
    return sum(bool(_GPU.match(line)) for line in text.splitlines())


def acs_bridges(text: str) -> int:
    """Count the devices in `lspci -vv` that send peer traffic upwards; raise ValueError where it was not root's."""
    if "<access denied>" in text or not text:
        raise ValueError
    return sum("ACSCtl:" in line and "SrcValid+" in line for line in text.splitlines())


def flows(text: str) -> Iterator[TcpFlow]:
    """Yield the established flows of `ss -tin`, or of it with more letters, except those over loopback.

    ss leaves out what is zero. A kernel that counts sent bytes in one flow counts all of it in every flow.
    """
    joined = re.sub(r"\n\s+", " ", text)
    newer = "bytes_sent:" in joined
    for line in joined.splitlines():
        try:
            told = _flow(line, newer=newer)
        except ValueError:
            continue
        if told is not None:
            yield told


def _flow(line: str, *, newer: bool) -> TcpFlow | None:
    ends, control = _ENDS.match(line), _CONTROL.search(line)
    if ends is None or control is None:
        return None
    local, local_port, remote, remote_port, rest = ends.groups()
    here, there = address_of(local), address_of(remote)
    if ip_address(there).is_loopback:
        return None
    fields, rates = dict(_FIELD.findall(rest)), {name: int(bps) for name, bps in _RATE.findall(rest)}
    zero = 0 if newer else None
    delivery = rates.get("delivery_rate") or None
    return TcpFlow(
        local=here,
        remote=there,
        local_port=int(local_port),
        remote_port=int(remote_port),
        cc=control[1],
        rtt_us=_ms(fields["rtt"].partition("/")[0]) if "rtt" in fields else 0,
        min_rtt_us=_ms(fields["minrtt"]) if "minrtt" in fields else None,
        cwnd=_count(fields, "cwnd") or 0,
        mss=_count(fields, "mss") or 0,
        bytes_acked=_count(fields, "bytes_acked") or 0,
        bytes_received=_count(fields, "bytes_received") or 0,
        bytes_sent=_count(fields, "bytes_sent", zero),
        bytes_retrans=_count(fields, "bytes_retrans", zero),
        delivery_rate_bps=delivery,
        delivery_app_limited=None if not delivery else " app_limited" in rest,
        pacing_bps=rates.get("pacing_rate") or None,
        busy_us=_time(fields, "busy", zero),
        rwnd_limited_us=_time(fields, "rwnd_limited", zero),
        sndbuf_limited_us=_time(fields, "sndbuf_limited", zero),
        delivered_ce=_count(fields, "delivered_ce", zero),
        reord_seen=_count(fields, "reord_seen", zero),
        notsent_bytes=_count(fields, "notsent", zero),
    )


def address_of(text: str) -> str:
    """Return an address as it is recorded live: "[::ffff:10.0.0.1]" and "10.0.0.1%eth0" are 10.0.0.1."""
    address = ip_address(text.strip("[]").partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _count(fields: dict[str, str], name: str, absent: int | None = None) -> int | None:
    found = _NUMBER.match(fields.get(name, ""))
    return int(found[0]) if found else absent


def _time(fields: dict[str, str], name: str, absent: int | None) -> int | None:
    """Return "8ms(0.1%)" in µs."""
    found = re.match(r"([\d.]+)(ms|us)", fields.get(name, ""))
    return round(float(found[1]) * _UNIT_US[found[2]]) if found else absent


def _ms(text: str) -> int:
    return round(float(text) * 1000)
