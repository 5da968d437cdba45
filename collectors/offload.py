"""RoCE that the kernel never sees: network cards that do it in hardware, and how to capture it all the same.

NVIDIA "Offloaded Traffic Sniffer" (MLNX_OFED 4.9, 5.4); libpcap 1.9 release notes (RDMA sniffing).
"""

from typing import Final

from analysis.samples import RdmaPort
from analysis.text import N_, Sentence, say

LEAST: Final = 100
"""Packets by the card's own count that are proof enough."""
_SOFTWARE: Final = frozenset(("rdma_rxe", "siw"))
_PACKETS: Final = (
    "port_rcv_packets",
    "port_xmit_packets",
    "rx_roce_only_pkts",
    "tx_roce_only_pkts",
    "rx_pkts",
    "tx_pkts",
)
"""What drivers count packets by: IBTA port counters; bnxt_re hw_counters."""
_WORDS: Final = ("port_rcv_data", "port_xmit_data")
"""32-bit words, where a driver counts no packets."""


def does_roce_in_hardware(port: RdmaPort) -> bool:
    """Say whether a port is Ethernet on a card of its own."""
    return port.link_layer == "Ethernet" and port.driver is not None and port.driver not in _SOFTWARE


def moved(was: RdmaPort, now: RdmaPort) -> int:
    """Return how many packets went through the card between two readings; words where it counts no packets."""
    for names in (_PACKETS, _WORDS):
        known = [name for name in names if name in was.counters and name in now.counters]
        if known:
            return sum(max(0, now.counters[name] - was.counters[name]) for name in known)
    return 0


def offloaded(was: RdmaPort, now: RdmaPort, captured: int) -> Sentence | None:
    """Return what to do where a card moves RoCE packets of which none were captured, None where that is not so."""
    if captured or not does_roce_in_hardware(now) or moved(was, now) < LEAST:
        return None
    return say(
        N_("{device} does RoCE in hardware: it carries traffic, but none of it passes the kernel. {way}"),
        device=now.device,
        way=_way(now),
    )


def _way(port: RdmaPort) -> Sentence:
    if port.driver == "mlx5_core":
        return say(
            N_(
                "Capture on the RDMA device (libpcap 1.9 or newer): {command}; with MLNX_OFED up to 4.9 first: "
                "{older}. Both slow the traffic down. Then: {read}"
            ),
            command=f"sudo tcpdump -i {port.device} -s 128 -w roce.pcap",
            older=f"sudo ethtool --set-priv-flags {port.netdev or 'IFACE'} sniffer on",
            read="longpipe roce roce.pcap",
        )
    return say(
        N_(
            "This driver ({driver}) lets nobody listen. Mirror the port on the switch to another machine (SPAN), "
            "capture there, then: {read}"
        ),
        driver=port.driver,
        read="longpipe roce FILE",
    )
