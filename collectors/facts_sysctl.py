"""Facts from /proc/sys/net."""

from typing import Final

from analysis.samples import Fact
from analysis.text import N_, say
from collectors.reading import Facts, from_file, unknown
from collectors.root import Root

IPV4: Final = (
    "tcp_rmem tcp_wmem tcp_mem udp_mem tcp_congestion_control tcp_available_congestion_control "
    "tcp_allowed_congestion_control tcp_slow_start_after_idle tcp_notsent_lowat tcp_mtu_probing "
    "tcp_max_syn_backlog tcp_timestamps tcp_window_scaling tcp_sack tcp_adv_win_scale tcp_moderate_rcvbuf "
    "tcp_fastopen tcp_no_metrics_save tcp_tw_reuse tcp_max_tw_buckets tcp_ecn tcp_limit_output_bytes "
    "tcp_max_orphans ip_local_port_range ip_local_reserved_ports ip_forward ping_group_range"
)
CORE: Final = (
    "rmem_max wmem_max rmem_default wmem_default somaxconn netdev_max_backlog netdev_budget netdev_budget_usecs "
    "dev_weight default_qdisc rps_sock_flow_entries"
)
NETFILTER: Final = "nf_conntrack_max nf_conntrack_buckets nf_conntrack_count"
INTERFACE: Final = "rp_filter arp_ignore arp_announce"
INITIAL_ONLY: Final = (
    "net/ipv4/tcp_mem net/ipv4/udp_mem net/ipv4/tcp_max_orphans net/core/netdev_max_backlog net/core/netdev_budget "
    "net/core/netdev_budget_usecs net/core/dev_weight net/core/default_qdisc net/core/rps_sock_flow_entries"
)
"""Box-wide ones: the kernel shows them in the initial network namespace only (tried on Linux 6.18)."""


def is_initial(root: Root) -> bool:
    """Say whether the box-wide network sysctls are there to be seen."""
    return root.exists("proc/sys/net/core/netdev_max_backlog")


def sysctls(root: Root, interfaces: list[str]) -> Facts:
    """Return every sysctl that advice looks at. A dot in an interface's name is a slash in its key."""
    groups = [("net/ipv4", IPV4), ("net/core", CORE), ("net/netfilter", NETFILTER)]
    groups += [(f"net/ipv4/conf/{name}", INTERFACE) for name in ("all", *interfaces)]
    initial = is_initial(root)
    paths = [f"{folder}/{name}" for folder, names in groups for name in names.split()]
    return {key_of(path): _sysctl(root, path, initial) for path in paths}


def key_of(path: str) -> str:
    """Return the fact's key of a path below /proc/sys: separators become dots, dots become slashes."""
    return "sysctl." + path.translate(str.maketrans("/.", "./"))


def _sysctl(root: Root, path: str, initial: bool) -> Fact:
    fact = from_file(root, f"proc/sys/{path}")
    if fact.value is None and path in INITIAL_ONLY.split() and not initial:
        hidden = N_("Only the host's own network namespace shows this: ask whoever runs the host to read or set it.")
        return unknown(say(hidden), fact.source)
    return fact
