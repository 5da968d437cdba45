"""Facts: what the box says of itself, for advice. Read soon after the start, every minute, and when a link changes.

Every key below is present in every `Facts` sample; those with `<if>` once for each interface but `lo` and the
software ports of a bridge, which are the ends of containers and virtual machines. What cannot be read is a `Fact`
with a problem and no value. Values are text. Interface names may hold dots; the last part of a `link.` or `qdisc.`
key never does, so `key.partition(".")` and `key.rpartition(".")` find the name.

System
    kernel.release             "6.1.0-28-amd64"
    os.name                    PRETTY_NAME of os-release
    virtualisation             "none", or what runs this box: "kvm", "xen", "vmware", "hyperv", "amazon", "other"…
    container                  "none", or "docker", "podman", "lxc", "kubernetes", "systemd-nspawn", "other"…
    netns.initial              "yes" or "no": whether the box-wide network sysctls can be seen (and set) from here
    init.systemd               "yes" where PID 1 is systemd, else "no"
    cpu.count                  CPUs that are online
    cpu.numa_nodes             how many
    memory.total_bytes
    memory.page_bytes          the unit of tcp_mem and udp_mem
    limit.memlock_bytes        RLIMIT_MEMLOCK of this process, bytes or "unlimited"
    gpu.count                  NVIDIA, AMD and other display accelerators (PCI class 0x0300, 0x0302, 0x0380, 0x1200)
    rdma.devices               names, space separated; "" where there are none
    management.interface       interface that carries this SSH session; "" where it is not an SSH session
    management.interfaces      the same with everything below it (bond, bridge and VLAN members), space separated
    management.peer            address at the other end of the SSH session; "" likewise
    management.port            port of this box that the session came in by; "" likewise
    managers                   what else sets this box's network: of "tuned", "NetworkManager", "systemd-networkd",
                               "netplan", "cloud-init", "ifupdown", space separated
    manager.tuned_profile      active profile of tuned, "" without tuned
    module.<name>              "loaded", "builtin", "available" (modprobe would load it) or "missing", for tcp_bbr,
                               sch_fq, sch_fq_codel, sch_cake, sch_htb, cls_u32, nf_conntrack, rdma_rxe,
                               nvidia_peermem; "absent" is not part of the running kernel, where it cannot be told
                               whether modprobe would load it
    numa.<n>.cpus              CPU list of a node ("0-3,8")
    gpu.open_driver            "yes" or "no": NVIDIA's kernel modules are the open ones
    pci.acs_bridges            PCI bridges with ACSCtl SrcValid+
    route.default_interfaces   interfaces of the default routes in all tables, space separated
    tcp.time_wait_to_one       sockets in TIME_WAIT towards the busiest destination
    ports.listening            ports that TCP listens on or UDP is bound to, in order
    nccl.processes, nccl.version, nccl.env.<NAME>, rdma.<dev>.…   see analysis/advice/rdma.py

Sysctls, values with single spaces between numbers
    sysctl.net.ipv4.…          tcp_rmem tcp_wmem tcp_mem udp_mem tcp_congestion_control
                               tcp_available_congestion_control tcp_allowed_congestion_control
                               tcp_slow_start_after_idle tcp_notsent_lowat tcp_mtu_probing tcp_max_syn_backlog
                               tcp_timestamps tcp_window_scaling tcp_sack tcp_adv_win_scale tcp_moderate_rcvbuf
                               tcp_fastopen tcp_no_metrics_save tcp_tw_reuse tcp_max_tw_buckets tcp_ecn
                               tcp_limit_output_bytes tcp_max_orphans ip_local_port_range ip_local_reserved_ports
                               ip_forward ping_group_range
    sysctl.net.core.…          rmem_max wmem_max rmem_default wmem_default somaxconn netdev_max_backlog
                               netdev_budget netdev_budget_usecs dev_weight default_qdisc rps_sock_flow_entries
    sysctl.net.netfilter.…     nf_conntrack_max nf_conntrack_buckets nf_conntrack_count
    sysctl.net.ipv4.conf.all.… rp_filter arp_ignore arp_announce; the same for <if>, whose dots are slashes there

Interfaces
    link.<if>.driver           kernel driver ("mlx5_core"); the link type for software devices ("veth", "bond")
    link.<if>.mtu
    link.<if>.operstate        "up", "down", "unknown"…
    link.<if>.speed_mbps
    link.<if>.numa_node        -1 where the device belongs to none
    link.<if>.master           bond or bridge it is part of, "" if none
    link.<if>.lowers           interfaces below it, space separated
    link.<if>.tx_queue_len     packets
    link.<if>.rx_queues        and tx_queues: queues the kernel made for it
    link.<if>.rps_cpus         CPU masks of the receive queues, each once, space separated; "0" is RPS off
    link.<if>.rps_flow_cnt     flows followed in each receive queue, each number once, smallest first
    link.<if>.subnets          IPv4 subnets, link-local ones left out, space separated
    link.<if>.irq_cpus         CPU lists its interrupts may go to, each once, space separated
    link.<if>.channels         combined, or receive, channels in use (ethtool -l); channels_max the most it can do
    link.<if>.ring_rx          and ring_tx: descriptors in use (ethtool -g); ring_rx_max, ring_tx_max
    link.<if>.adaptive_rx      "on" or "off" (ethtool -c)
    link.<if>.rx_usecs         microseconds an interrupt may be held back
    link.<if>.gro              and gso, tso, lro: "on", "off", "off [fixed]" or "off [requested on]" (ethtool -k)
    link.<if>.dcb_trust, pfc_priorities, pause_rx, pause_tx, ecn_np, ecn_rp   see analysis/advice/rdma.py
    bond.<if>.mode             and partner_mac, aggregators: see analysis/advice/rules/t28_bond.py
    qdisc.<if>.root            kind: "mq", "fq", "noqueue"…
    qdisc.<if>.leaves          kinds of the leaves of a multi-queue root, each once, space separated; else the root's
"""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from analysis.samples import Fact, Facts
from collectors.base import Emit, Need
from collectors.changes import Changes
from collectors.clock import Clock
from collectors.facts_links import bonds, interfaces, links, management
from collectors.facts_nccl import nccl
from collectors.facts_network import Network, network_facts, read_network
from collectors.facts_rdma import rdma
from collectors.facts_sysctl import sysctls
from collectors.facts_system import system
from collectors.root import Root

Ask: TypeAlias = Callable[[Root, Sequence[str]], dict[str, Fact]]
"""What only netlink and ethtool know, for the interfaces named."""
SETTLE_S: Final = 0.5
"""Changes of an interface come in bursts."""
SHARE: Final = 0.05
"""Of the time that reading may take on a box where containers, and their interfaces, come and go."""


def read_facts(root: Root, environ: Mapping[str, str], network: Network, ask: Ask) -> dict[str, Fact]:
    """Read everything once; blocking."""
    names = interfaces(root)
    own = {text.partition("/")[0]: name for name, text in network.addresses or ()}
    return (
        system(root, environ)
        | nccl(root)
        | rdma(root)
        | management(root, names, own, environ.get("SSH_CONNECTION", ""))
        | sysctls(root, names)
        | links(root, names)
        | bonds(root, names)
        | network_facts(network, names)
        | ask(root, names)
    )


def ask_kernel(root: Root, names: Sequence[str]) -> dict[str, Fact]:
    """Ask the running kernel by pyroute2, which is loaded here and not earlier."""
    from collectors.ethtool import settings

    return settings(root, names)


class FactsCollector:
    """Emits `Facts` soon after the start, when an interface or address changes, and at every interval."""

    name = "facts"

    def __init__(
        self,
        clock: Clock,
        root: Root | None = None,
        *,
        interval_s: float = 60.0,
        delay_s: float = 1.0,
        environ: Mapping[str, str] = os.environ,
        ask: Ask = ask_kernel,
    ) -> None:
        self._clock = clock
        self._root = root or Root()
        self._interval_s = interval_s
        self._delay_s = delay_s
        self._environ = environ
        self._ask = ask

    def needs(self) -> Sequence[Need]:
        """What cannot be read without privilege is told fact by fact."""
        return ()

    async def run(self, emit: Emit) -> None:
        """Emit until cancelled. Reading takes some 15 ms and loads pyroute2 the first time: late, and in a thread."""
        await asyncio.sleep(self._delay_s)
        with Changes() as changes:
            while True:
                started_ns = self._clock.now_ns()
                changes.drain()
                network = await read_network(self._root)
                found = await asyncio.to_thread(read_facts, self._root, self._environ, network, self._ask)
                emit(Facts(self._clock.now_ns(), found))
                await asyncio.sleep((self._clock.now_ns() - started_ns) / 1e9 / SHARE)
                if await changes.wait(self._interval_s):
                    await asyncio.sleep(SETTLE_S)
