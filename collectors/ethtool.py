"""What only netlink and ethtool know of interfaces, by pyroute2; blocking, for a thread. Live boxes only."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import pyroute2
from pyroute2.ethtool.ethtool import EthtoolChannels, EthtoolFeatures, EthtoolRings
from pyroute2.ethtool.ioctl import EthtoolError

from analysis.samples import Fact
from analysis.text import N_, say
from collectors.facts_links import is_hardware
from collectors.reading import Facts, known, unknown, why
from collectors.root import Root

_FEATURES: Final = {"gro": "rx-gro", "gso": "tx-generic-segmentation", "tso": "tx-tcp-segmentation", "lro": "rx-lro"}
Read: TypeAlias = Callable[[str], Any]
Values: TypeAlias = dict[str, object]
Parts: TypeAlias = Callable[[Any], Values]
"""Names the parts of an answer; given None, the names alone."""


def settings(root: Root, names: Iterable[str]) -> Facts:
    """Return drivers, channels, rings, interrupt moderation, offloads and qdiscs of the interfaces of this box."""
    facts: Facts = {}
    with pyroute2.IPRoute() as kernel:
        links = {link.get("ifname"): link for link in kernel.link("dump")}
        qdiscs = list(kernel.get_qdiscs())
    tool = pyroute2.Ethtool()
    try:
        for name in names:
            answers = _ethtool(tool, name) if is_hardware(root, name) else _software(name)
            facts |= {f"link.{name}.{key}": fact for key, fact in answers.items()}
            facts[f"link.{name}.driver"] = _driver(root, name, links.get(name))
            facts |= _qdisc(name, [q for q in qdiscs if name in links and q["index"] == links[name]["index"]])
    finally:
        tool.close()
    return facts


def _driver(root: Root, name: str, link: Mapping[str, Any] | None) -> Fact:
    source = f"/sys/class/net/{name}/device/driver, ip -d link"
    try:
        return known(root.link_name(f"sys/class/net/{name}/device/driver"), source)
    except OSError as failure:
        kind = link.get(("linkinfo", "kind")) if link else None  # type: ignore[call-overload]
        return known(kind, source) if kind else unknown(why(failure), source)


def _ethtool(tool: "pyroute2.Ethtool", name: str) -> Facts:
    """Ask for each group once; a group the driver does not offer gives its keys a problem."""
    groups: tuple[tuple[str, Read, Parts], ...] = (
        ("-l", tool.get_channels, _channels),
        ("-g", tool.get_rings, _rings),
        ("-c", tool.get_coalesce, _coalesce),
        ("-k", tool.get_features, _features),
    )
    facts: Facts = {}
    for option, read, parts in groups:
        facts |= _group(f"ethtool {option} {name}", read, name, parts)
    return facts


def _software(name: str) -> Facts:
    """Asking would take 3 ms for each of perhaps hundreds of interfaces, to hear that there are no rings."""
    none = unknown(say(N_("A software interface has no such setting.")), f"ethtool {name}")
    return {key: none for parts in (_channels, _rings, _coalesce, _features) for key in parts(None)}


def _group(source: str, read: Read, name: str, parts: Parts) -> Facts:
    refused = unknown(say(N_("The driver of this interface does not offer it.")), source)
    try:
        values = parts(read(name))
    except EthtoolError:
        return dict.fromkeys(parts(None), refused)
    except OSError as failure:
        return dict.fromkeys(parts(None), unknown(why(failure), source))
    return {key: refused if value is None else known(value, source) for key, value in values.items()}


def _channels(answer: "EthtoolChannels | None") -> Values:
    """A driver has combined channels, or separate ones of which those that receive count."""
    if answer is None:
        return dict.fromkeys(("channels", "channels_max"))
    return {
        "channels": answer.combined_count or answer.rx_count or None,
        "channels_max": answer.max_combined or answer.max_rx or None,
    }


def _rings(answer: "EthtoolRings | None") -> Values:
    fields = {"ring_rx": "rx", "ring_tx": "tx", "ring_rx_max": "rx_max", "ring_tx_max": "tx_max"}
    return {key: getattr(answer, field, None) for key, field in fields.items()}


def _coalesce(answer: Mapping[str, int] | None) -> Values:
    if answer is None:
        return dict.fromkeys(("adaptive_rx", "rx_usecs"))
    return {"adaptive_rx": _on(answer["use_adaptive_rx_coalesce"]), "rx_usecs": answer["rx_coalesce_usecs"]}


def _features(answer: "EthtoolFeatures | None") -> Values:
    flags = answer.features if answer is not None else {}
    return {key: _on(flags[flag].enable) if flag in flags else None for key, flag in _FEATURES.items()}


def _on(value: object) -> str:
    return "on" if value else "off"


def _qdisc(name: str, qdiscs: list[Any]) -> Facts:
    """Return the root's kind and those of its leaves; a device that is down may have none at all."""
    source = f"tc qdisc show dev {name}"
    egress = [q for q in qdiscs if q.get("TCA_KIND") not in ("ingress", "clsact")]
    roots = [q for q in egress if q["parent"] == 0xFFFFFFFF]
    if not roots:
        problem = unknown(say(N_("This interface has no queueing discipline now.")), source)
        return {f"qdisc.{name}.root": problem, f"qdisc.{name}.leaves": problem}
    root = str(roots[0].get("TCA_KIND"))
    leaves = [str(q.get("TCA_KIND")) for q in egress if q["parent"] != 0xFFFFFFFF]
    kinds = " ".join(dict.fromkeys(leaves)) or root
    return {f"qdisc.{name}.root": known(root, source), f"qdisc.{name}.leaves": known(kinds, source)}
