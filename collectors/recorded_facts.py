"""Facts of a recorded box that a live one tells by netlink and ioctl: read from what commands printed there."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from analysis.samples import Fact
from analysis.text import N_, say
from collectors import printed
from collectors.commands import Commands, Failed
from collectors.facts_device import FEATURES, RINGS, qdisc_facts, refused, software
from collectors.facts_links import NET, is_hardware
from collectors.facts_network import (
    DEFAULTS,
    LISTENING,
    TIME_WAIT,
    Network,
    default_interfaces,
    listening,
    most_to_one,
    sockets_in,
)
from collectors.facts_pci import BUS
from collectors.facts_rdma import cm_mode, gid_text
from collectors.links import speed_of
from collectors.printed_json import AddressRow, LinkRow, QdiscRow, RouteRow, addresses, default_devices
from collectors.rdma import DEVICES
from collectors.reading import Facts, known, unknown
from collectors.root import Root

SSH_PORT: Final = 22
LINKS: Final = "ip -j -d -s -s link"
ADDRESSES: Final = "ip -j addr"
ROUTES: Final = ("ip -j route show table all", "ip -j -6 route show table all")
QDISCS: Final = ("tc -j -s -d qdisc", "tc -j qdisc")
FLOWS: Final = ("ss -tinmOe", "ss -tin")


def environment(commands: Commands) -> dict[str, str]:
    """Return what was recorded of the environment that longpipe looks at ("SSH_CONNECTION=…", one a line)."""
    pairs = (line.partition("=") for line in commands.find("env").splitlines())
    return {name: value for name, equals, value in pairs if equals}


def network(root: Root, commands: Commands) -> Network:
    """Return addresses, default routes and sockets."""
    try:
        own = tuple(addresses(commands.rows(ADDRESSES, AddressRow)))
    except Failed:
        own = None
    found = [table for table in ("tcp", "tcp6") if root.exists(f"proc/net/{table}")]
    rows = [row for table in found for row in sockets_in(root, table)]
    source = "/proc/net/tcp, /proc/net/tcp6"
    facts = {
        DEFAULTS: _defaults(root, commands),
        TIME_WAIT: most_to_one((end for _, end, state in rows if state == 6), source),
        LISTENING: listening((port for port, _, state in rows if state == 10), root, source),
    }
    if not found:
        absent = unknown(say(N_("Sockets are not part of this recording.")), source)
        facts |= {TIME_WAIT: absent, LISTENING: absent}
    return Network(own, facts)


def _defaults(root: Root, commands: Commands) -> Fact:
    try:
        rows = [*commands.rows(ROUTES[0], RouteRow), *commands.find_rows(ROUTES[1], RouteRow)]
    except Failed as failed:
        if not root.exists("proc/net/route"):
            return failed.fact
        table = [line.split() for line in root.read_text("proc/net/route").splitlines()[1:]]
        ways = [line[0] for line in table if len(line) > 7 and line[1] == line[7] == "00000000"]
        return default_interfaces(ways, "/proc/net/route")
    return default_interfaces(default_devices(rows), ROUTES[0])


def answers(commands: Commands) -> Callable[[Root, Sequence[str]], Facts]:
    """Return what stands in for asking the kernel: driver, queues, stacks, PCIe and RDMA as the commands tell."""

    def ask(root: Root, names: Sequence[str]) -> Facts:
        rows = {row.ifname: row for row in commands.find_rows(LINKS, LinkRow)}
        qdiscs = next((found for line in QDISCS if (found := commands.find_rows(line, QdiscRow))), [])
        facts: Facts = {}
        for name in names:
            row = rows.get(name, LinkRow())
            told = _hardware(commands, name) if is_hardware(root, name) or row.parentdev else software(name)
            told |= {"driver": _driver(root, commands, name, row)} | _stack(rows, name) | _speed(root, commands, name)
            facts |= {f"link.{name}.{key}": fact for key, fact in told.items()}
            facts |= _queue(name, qdiscs) | _bond(root, rows, name)
        return facts | _box(root, commands) | _gids(root, commands) | _management(commands)

    return ask


def _hardware(commands: Commands, name: str) -> Facts:
    line, facts = f"ethtool -g {name}", dict[str, Fact]()
    for key, field in RINGS.items():
        title = "Pre-set maximums" if field.endswith("_max") else "Current hardware settings"
        facts[key] = _told(commands, line, title, field.removesuffix("_max").upper())
    line = f"ethtool -l {name}"
    for key, title in (("channels", "Current hardware settings"), ("channels_max", "Pre-set maximums")):
        facts[key] = _told(commands, line, title, "Combined", "RX")
    facts |= _coalesce(commands, f"ethtool -c {name}") | _features(commands, f"ethtool -k {name}")
    for key, field in (("pause_rx", "RX"), ("pause_tx", "TX")):
        facts[key] = _from_lines(commands, f"ethtool -a {name}", field)
    return facts | _lossless(commands, name)


def _told(commands: Commands, line: str, title: str, *fields: str) -> Fact:
    def read(text: str) -> str | None:
        values = printed.section(text, title)
        return next((v for field in fields if (v := printed.available(values.get(field))) not in (None, "0")), None)

    return _offered(commands.fact(line, read), line)


def _from_lines(commands: Commands, line: str, field: str) -> Fact:
    return _offered(commands.fact(line, lambda text: printed.available(printed.lines(text).get(field))), line)


def _offered(fact: Fact, line: str) -> Fact:
    return refused(line) if fact.value == "None" else fact


def _coalesce(commands: Commands, line: str) -> Facts:
    """`ethtool -c` puts two values in its first line: "Adaptive RX: off  TX: n/a"."""
    adaptive = commands.fact(
        line, lambda text: printed.available(printed.lines(text).get("Adaptive RX", "").split("TX")[0].strip())
    )
    return {"adaptive_rx": _offered(adaptive, line), "rx_usecs": _from_lines(commands, line, "rx-usecs")}


_LEGACY: Final = {
    "rx-gro": "generic-receive-offload",
    "tx-generic-segmentation": "generic-segmentation-offload",
    "rx-lro": "large-receive-offload",
}
"""Names that ethtool prints instead of the kernel's."""


def _features(commands: Commands, line: str) -> Facts:
    return {key: _from_lines(commands, line, _LEGACY.get(flag, flag)) for key, flag in FEATURES.items()}


def _lossless(commands: Commands, name: str) -> Facts:
    """`mlnx_qos` tells both; the kernel's own tool has a command for each."""
    vendor = f"mlnx_qos -i {name}"
    told = commands.find(vendor)
    pfc, app = (vendor, vendor) if told else (f"dcb pfc show dev {name}", f"dcb app show dev {name}")
    return {
        "pfc_priorities": _lossless_fact(commands, pfc, printed.pfc_priorities),
        "dcb_trust": _lossless_fact(commands, app, printed.trust),
    }


def _lossless_fact(commands: Commands, line: str, read: Callable[[str], str]) -> Fact:
    """Silence is the answer of a driver without DCB."""
    try:
        text = commands.text(line)
    except Failed as failed:
        return failed.fact
    return commands.fact(line, read) if text else refused(line)


def _driver(root: Root, commands: Commands, name: str, row: LinkRow) -> Fact:
    source = f"/{NET}/{name}/device/driver, ethtool -i, ip -d link"
    try:
        return known(root.link_name(f"{NET}/{name}/device/driver"), source)
    except OSError:
        kind = row.linkinfo.info_kind or printed.lines(commands.find(f"ethtool -i {name}")).get("driver")
    if not kind:
        return unknown(say(N_("What drives this interface is not part of this recording.")), source)
    return known(kind, source)


def _stack(rows: Mapping[str, LinkRow], name: str) -> Facts:
    if name not in rows:
        return {}
    lowers = [other for other, row in rows.items() if row.master == name]
    own = rows[name].link
    below = sorted({*lowers, own} if own is not None and own in rows else lowers)
    return {"master": known(rows[name].master, LINKS), "lowers": known(" ".join(below), LINKS)}


def _speed(root: Root, commands: Commands, name: str) -> Facts:
    told = printed.lines(commands.find(f"ethtool {name}")).get("Speed", "").removesuffix("Mb/s")
    if speed_of(root, name) is not None or not told.isdecimal():
        return {}
    return {"speed_mbps": known(told, f"ethtool {name}")}


def _queue(name: str, qdiscs: Sequence[QdiscRow]) -> Facts:
    return qdisc_facts(name, [(row.kind, row.root) for row in qdiscs if row.dev == name])


def _bond(root: Root, rows: Mapping[str, LinkRow], name: str) -> Facts:
    info = rows.get(name, LinkRow()).linkinfo
    if root.exists(f"{NET}/{name}/bonding/mode") or info.info_kind != "bond":
        return {}
    members = (row.linkinfo.info_slave_data for row in rows.values() if row.master == name)
    groups = dict.fromkeys(str(member["ad_aggregator_id"]) for member in members if "ad_aggregator_id" in member)
    agreed = info.info_data.get("ad_info")
    partner = agreed.get("partner_mac", "") if isinstance(agreed, dict) else ""
    return {
        f"bond.{name}.mode": known(info.info_data.get("mode", ""), LINKS),
        f"bond.{name}.partner_mac": known(partner, LINKS),
        f"bond.{name}.aggregators": known(" ".join(groups), LINKS),
    }


def _box(root: Root, commands: Commands) -> Facts:
    """Memory pages by `getconf`, or by x86's own word for its smallest; GPUs and bridges by `lspci`."""
    page = commands.fact("getconf PAGESIZE", int)
    if page.value is None and root.exists("proc/meminfo") and "DirectMap4k:" in root.read_text("proc/meminfo"):
        page = known(4096, "/proc/meminfo: DirectMap4k")
    facts = {"memory.page_bytes": page}
    line = "lspci -nnvv"
    if not root.exists(BUS):
        facts |= {
            "gpu.count": commands.fact(line, printed.gpus),
            "pci.acs_bridges": commands.fact(line, printed.acs_bridges),
        }
    return facts


def _gids(root: Root, commands: Commands) -> Facts:
    """Return the GIDs by `ibv_devinfo -v` where sysfs was recorded without them."""
    line, facts = "ibv_devinfo -v", dict[str, Fact]()
    for part in commands.find(line).split("hca_id:")[1:]:
        device = part.split()[0] if part.split() else ""
        if root.exists(f"{DEVICES}/{device}") and not root.exists(f"{DEVICES}/{device}/ports/1/gids"):
            texts = " ".join(gid_text(*gid) for gid in printed.gids(part))
            gids = known(texts, line)
            facts |= {f"rdma.{device}.gids": gids, f"rdma.{device}.cm_mode": cm_mode(root, device, gids)}
    return facts


def _management(commands: Commands) -> Facts:
    """Return the path of the SSH session that carries most, where the recording does not say which one was used."""
    keys = ("management.peer", "management.interface", "management.interfaces", "management.port")
    if "SSH_CONNECTION" in environment(commands):
        return {}
    line = next((line for line in FLOWS if commands.find(line)), FLOWS[-1])
    rows = commands.find_rows(ADDRESSES, AddressRow)
    own = {address.partition("/")[0]: name for name, address in addresses(rows)}
    sessions = [f for f in printed.flows(commands.find(line)) if f.local_port == SSH_PORT and f.local in own]
    if not sessions:
        absent = say(N_("The recording does not tell by which session it was made."))
        return dict.fromkeys(keys, unknown(absent, "SSH_CONNECTION"))
    busiest = max(sessions, key=lambda flow: flow.bytes_acked)
    names = list(dict.fromkeys(own[flow.local] for flow in sessions))
    links = {row.ifname: row for row in commands.find_rows(LINKS, LinkRow)}
    below = [lower for name in names for lower in _all_below(links, name)]
    values = (busiest.remote, own[busiest.local], " ".join(dict.fromkeys([*names, *below])), SSH_PORT)
    return {key: known(value, f"{line}: port {SSH_PORT}") for key, value in zip(keys, values, strict=True)}


def _all_below(rows: Mapping[str, LinkRow], name: str) -> list[str]:
    found: list[str] = []
    waiting = [name]
    while waiting:
        stack = _stack(rows, waiting.pop(0)).get("lowers")
        lowers = [lower for lower in (stack.value or "").split() if lower not in found] if stack else []
        found += lowers
        waiting += lowers
    return found
