"""RDMA facts, by key. A fact that is missing altogether makes a rule say so.

rdma.devices                  names, space separated; "" where there are none
rdma.<dev>.netdev             its Ethernet interface
rdma.<dev>.driver             "mlx5_core", "rdma_rxe", "irdma"…
rdma.<dev>.link_layer         "Ethernet" or "InfiniBand"
rdma.<dev>.gids               "index,type,address" of each GID, space separated, blanks of the type left out:
                              "3,RoCEv2,::ffff:10.0.0.1"
rdma.<dev>.cm_mode            default_roce_mode of rdma_cm without blanks: "RoCEv2", "IB/RoCEv1"
rdma.<dev>.cm_tos             default_roce_tos of rdma_cm
rdma.<dev>.traffic_class      tc/1/traffic_class; 0 where none is forced
rdma.<dev>.max_read_request   PCIe MaxReadReq in bytes
rdma.<dev>.dcqcn              "name=value" of each congestion control parameter, space separated
link.<if>.dcb_trust           "pcp" or "dscp"
link.<if>.pfc_priorities      priorities with PFC, space separated; "" for none
link.<if>.pause_rx, pause_tx  "on" or "off": 802.3x global pause
link.<if>.ecn_np, ecn_rp      "on" or "off": RoCE ECN of priority 3 at both roles
nccl.version                  "2.21.5"
nccl.processes                how many processes with an NCCL environment were found
nccl.env.<NAME>               value of a variable that one of them has
gpu.open_driver               "yes" where the NVIDIA kernel modules are the open ones
pci.acs_bridges               PCI bridges that redirect peer-to-peer traffic upwards (ACSCtl SrcValid+)
roce.qp_imbalance             busiest over mean bytes of the queue pairs, from a capture
"""

from typing import Final

from analysis.advice.rule import Irrelevant
from analysis.advice.situation import Situation
from analysis.text import N_, say

NO_DEVICE: Final = Irrelevant(say(N_("No RDMA device.")))
NO_HARDWARE: Final = Irrelevant(say(N_("No RDMA hardware that this is about.")))
NO_ETHERNET: Final = Irrelevant(say(N_("No RDMA device on Ethernet (RoCE).")))


def devices(situation: Situation) -> list[str]:
    """Return the RDMA devices; raise `Missing` where it is not known whether there are any."""
    return situation.text("rdma.devices").split()


def roce(situation: Situation) -> list[str]:
    """Return the devices on Ethernet; one whose link layer is not known counts, since Soft-RoCE has no other."""
    return [d for d in devices(situation) if situation.find(f"rdma.{d}.link_layer") in {None, "Ethernet"}]


def software(situation: Situation, device: str) -> bool:
    """Say whether `device` is Soft-RoCE, by its driver or, where that is not known, by its usual name."""
    driver = situation.find(f"rdma.{device}.driver")
    return driver == "rdma_rxe" if driver is not None else device.startswith("rxe")


def hardware(situation: Situation) -> list[str]:
    """Return the RoCE devices that are not Soft-RoCE."""
    return [d for d in roce(situation) if not software(situation, d)]


def netdevs(situation: Situation, of: list[str] | None = None) -> list[str]:
    """Return the interfaces that carry RoCE devices, each once."""
    names = (situation.find(f"rdma.{d}.netdev") for d in (roce(situation) if of is None else of))
    return list(dict.fromkeys(name for name in names if name))
