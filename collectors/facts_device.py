"""What is asked of a device's driver and of its queues, in the form of facts; live or recorded."""

from collections.abc import Sequence
from typing import Final

from analysis.samples import Fact
from analysis.text import N_, say
from collectors.reading import Facts, known, unknown

FEATURES: Final = {
    "gro": "rx-gro",
    "gso": "tx-generic-segmentation",
    "tso": "tx-tcp-segmentation",
    "lro": "rx-lro",
}
RINGS: Final = {"ring_rx": "rx", "ring_tx": "tx", "ring_rx_max": "rx_max", "ring_tx_max": "tx_max"}
COALESCE: Final = ("adaptive_rx", "rx_usecs")
PAUSE: Final = ("pause_rx", "pause_tx")
KEYS: Final = ("channels", "channels_max", *RINGS, "pfc_priorities", "dcb_trust", *COALESCE, *FEATURES, *PAUSE)
"""What is asked of a driver, by the last part of the fact's key."""


def software(name: str) -> Facts:
    """Asking would take 3 ms for each of perhaps hundreds of interfaces, to hear that there are no rings."""
    return dict.fromkeys(KEYS, unknown(say(N_("A software interface has no such setting.")), f"ethtool {name}"))


def refused(source: str) -> Fact:
    """Return the fact of a setting that the driver does not have."""
    return unknown(say(N_("The driver of this interface does not offer it.")), source)


def qdisc_facts(name: str, qdiscs: Sequence[tuple[str, bool]]) -> Facts:
    """Return the root's kind and those of its leaves, from each one's kind and whether it is the root.

    A device that is down may have none at all.
    """
    source = f"tc qdisc show dev {name}"
    egress = [(kind, is_root) for kind, is_root in qdiscs if kind not in ("ingress", "clsact")]
    roots = [kind for kind, is_root in egress if is_root]
    if not roots:
        problem = unknown(say(N_("This interface has no queueing discipline now.")), source)
        return {f"qdisc.{name}.root": problem, f"qdisc.{name}.leaves": problem}
    kinds = " ".join(dict.fromkeys(kind for kind, is_root in egress if not is_root)) or roots[0]
    return {f"qdisc.{name}.root": known(roots[0], source), f"qdisc.{name}.leaves": known(kinds, source)}
