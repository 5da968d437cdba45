"""Counters of a recorded box: a reading from its files, a second from `later/` or what commands printed."""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from analysis.samples import Host, LinkCounters, Links, NicCounters, Rdma, RdmaPort, Sample, TcpCounters
from collectors import printed
from collectors.commands import Commands
from collectors.facts_links import NET
from collectors.host import TCP_COUNTERS, counters, read_host
from collectors.nic_counters import kernel_counters, telling
from collectors.printed_json import LinkRow, Stats
from collectors.rdma import DEVICES, read_ports
from collectors.recorded_facts import LINKS
from collectors.root import Root

LATER: Final = "later"
_WANTED: Final = frozenset(group + name for group, names in TCP_COUNTERS.items() for name in names)


def time_of(root: Root, path: str) -> int | None:
    """Return when a file was read on the box, None where it was not."""
    try:
        return root.time_ns(path)
    except OSError:
        return None


def readings(root: Root, commands: Commands) -> list[Sample]:
    """Return the counters of a tree's files, each at the time its file was read; with `later/` at one time each."""
    if not root.exists(LATER):
        return _counted(root, commands)
    later, first_s, last_s = root.below(LATER), _uptime_s(root), _uptime_s(root.below(LATER))
    begun = time_of(root, "proc/uptime")
    if first_s is None or last_s is None or begun is None:
        return _counted(root, commands)
    ended = begun + int((last_s - first_s) * 1e9)
    pairs = ((root, begun), (later, ended))
    return [replace(sample, t=t) for tree, t in pairs for sample in _counted(tree, Commands(tree))]


def _uptime_s(root: Root) -> float | None:
    try:
        return float(root.read_text("proc/uptime").split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _counted(root: Root, commands: Commands) -> list[Sample]:
    found: list[Sample | None] = [_tcp(root), _host(root), _links(root), _nic(root, commands), _rdma(root)]
    return [sample for sample in found if sample is not None]


def _tcp(root: Root) -> TcpCounters | None:
    t = time_of(root, "proc/net/snmp")
    if t is None:
        return None
    texts = [root.read_text(path) for path in ("proc/net/snmp", "proc/net/netstat") if root.exists(path)]
    try:
        return TcpCounters(t, {name: value for text in texts for name, value in counters(text).items()})
    except ValueError:
        return None


def _host(root: Root) -> Host | None:
    t = time_of(root, "proc/stat")
    try:
        return None if t is None else read_host(root, t)
    except (OSError, ValueError, IndexError):
        return None


def _links(root: Root) -> Links | None:
    """/proc/net/dev: bytes, packets, errors, dropped (with missed), … of each direction."""
    t = time_of(root, "proc/net/dev")
    if t is None:
        return None
    rows = []
    for line in root.read_text("proc/net/dev").splitlines()[2:]:
        name, _, rest = line.partition(":")
        numbers = [int(word) for word in rest.split() if word.isdecimal()]
        if len(numbers) >= 16:
            up = _text(root, f"{NET}/{name.strip()}/carrier") == "1"
            rx, tx = numbers[:4], numbers[8:12]
            rows.append(LinkCounters(name.strip(), up, rx[0], tx[0], rx[1], tx[1], rx[3], tx[3], rx[2], tx[2]))
    return Links(t, tuple(rows))


def _text(root: Root, path: str) -> str | None:
    try:
        return root.read_text(path)
    except OSError:
        return None


def _nic(root: Root, commands: Commands) -> NicCounters | None:
    """Return the drop counters that the kernel itself keeps of each card, and the driver's own where recorded."""
    names = root.listdir(NET) if root.exists(NET) else []
    cards = [name for name in names if root.exists(f"{NET}/{name}/device")]
    times = [t for name in cards if (t := time_of(root, f"{NET}/{name}/statistics/rx_missed_errors")) is not None]
    if not times:
        return None
    told = {name: kernel_counters(root, name) | _driver_counters(commands, name) for name in cards}
    return NicCounters(max(times), told)


def _rdma(root: Root) -> Rdma | None:
    ports = _ports(root)
    folders = [f"{DEVICES}/{p.device}/ports/{p.port}/{part}" for p in ports for part in ("hw_counters", "counters")]
    files = [f"{folder}/{name}" for folder in folders if root.exists(folder) for name in root.listdir(folder)]
    times = [t for file in files if (t := time_of(root, file)) is not None]
    return Rdma(max(times), ports) if times else None


def _ports(root: Root) -> tuple[RdmaPort, ...]:
    try:
        return read_ports(root)
    except OSError:  # what the box itself could not read
        return ()


def again(root: Root, commands: Commands) -> list[Sample]:
    """Return the second reading that commands printed, where there is no other."""
    if root.exists(LATER):
        return []
    found = [_nstat(commands), _ip_link(commands), _ip_nic(root, commands), _rdma_statistic(root, commands)]
    return [sample for sample in found if sample is not None]


def _nstat(commands: Commands) -> TcpCounters | None:
    t, told = commands.time_ns("nstat -asz"), printed.nstat(commands.find("nstat -asz"))
    wanted = {name: value for name, value in told.items() if name in _WANTED}
    return TcpCounters(t, wanted) if t is not None and wanted else None


def _ip_link(commands: Commands) -> Links | None:
    t, rows = commands.time_ns(LINKS), commands.find_rows(LINKS, LinkRow)
    known = [_link_counters(row, row.stats64.rx, row.stats64.tx) for row in rows if row.stats64 is not None]
    return Links(t, tuple(known)) if t is not None and known else None


def _link_counters(row: LinkRow, rx: Stats, tx: Stats) -> LinkCounters:
    up = {"UP", "LOWER_UP"} <= set(row.flags)
    lost = rx.dropped + rx.missed_errors
    totals = (rx.bytes, tx.bytes, rx.packets, tx.packets, lost, tx.dropped, rx.errors, tx.errors)
    return LinkCounters(row.ifname, up, *totals, carrier_changes=tx.carrier_changes)


def _ip_nic(root: Root, commands: Commands) -> NicCounters | None:
    t, rows = commands.time_ns(LINKS), commands.find_rows(LINKS, LinkRow)
    if t is None or not rows:
        return None
    known = {
        row.ifname: _still_zero(commands, row.ifname)
        | {"rx_missed_errors": row.stats64.rx.missed_errors, "rx_fifo_errors": row.stats64.rx.fifo_errors}
        for row in rows
        if row.stats64 is not None and root.exists(f"{NET}/{row.ifname}/device")
    }
    return NicCounters(t, known)


def _driver_counters(commands: Commands, name: str) -> dict[str, int]:
    told = printed.nic_counters(commands.find(f"ethtool -S {name}"))
    return {counter: value for counter, value in told.items() if telling(counter)}


def _still_zero(commands: Commands, name: str) -> dict[str, int]:
    """Return the driver's counters that are zero: read once, they have not grown since the first reading either."""
    return {counter: value for counter, value in _driver_counters(commands, name).items() if not value}


def _rdma_statistic(root: Root, commands: Commands) -> Rdma | None:
    line = "rdma -j statistic"
    t, rows = commands.time_ns(line), commands.find_rows(line, dict[str, object])
    told = {(row.get("ifname"), row.get("port")): row for row in rows}
    ports = [_port_again(port, told.get((port.device, port.port), {})) for port in _ports(root)]
    known = tuple(port for port in ports if port.counters)
    return Rdma(t, known) if t is not None and known else None


def _port_again(port: RdmaPort, row: Mapping[str, object]) -> RdmaPort:
    told = {name: value for name, value in row.items() if isinstance(value, int) and name != "port"}
    return replace(port, counters=told)


def unchanged(readings: list[Sample]) -> list[Sample]:
    """Return earlier readings for what was read once: a total that is zero was zero before, for totals never fall.

    What is not zero may have grown or not, and stays out.
    """
    tcp = sorted(sample.t for sample in readings if isinstance(sample, TcpCounters))
    hosts = [sample for sample in readings if isinstance(sample, Host)]
    if len(tcp) != 2 or len(hosts) != 1 or tcp[0] == tcp[1]:
        return []
    before = hosts[0].t - (tcp[1] - tcp[0])
    dropped, squeezed = (_zeros(column) for column in (hosts[0].softnet_dropped, hosts[0].softnet_squeezed))
    return [Host(before, softnet_dropped=dropped, softnet_squeezed=squeezed)]


def _zeros(column: tuple[int, ...]) -> tuple[int, ...]:
    return () if any(column) else column
