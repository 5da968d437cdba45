"""What only netlink and ethtool know of interfaces, by pyroute2; blocking, for a thread. Live boxes only."""

import errno
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import pyroute2
from pyroute2.ethtool.ethtool import EthtoolChannels, EthtoolFeatures, EthtoolRings
from pyroute2.ethtool.ioctl import EthtoolError

from analysis.samples import Fact
from analysis.text import N_, say
from collectors.dcb import dcb
from collectors.ethnl import Ethnl
from collectors.facts_device import COALESCE, FEATURES, PAUSE, RINGS, qdisc_facts, refused, software
from collectors.facts_links import is_hardware
from collectors.reading import Facts, known, unknown, why
from collectors.root import Root

Values: TypeAlias = Mapping[str, object]
_ROOT: Final = 0xFFFFFFFF


def settings(root: Root, names: Iterable[str]) -> Facts:
    """Return drivers, channels, rings, interrupt moderation, offloads and qdiscs of the interfaces of this box."""
    facts: Facts = {}
    with pyroute2.IPRoute() as kernel:
        links = {link.get("ifname"): link for link in kernel.link("dump")}
        qdiscs = list(kernel.get_qdiscs())
    tool, netlink = pyroute2.Ethtool(), _netlink()
    try:
        for name in names:
            answers = _ethtool(tool, netlink, name) if is_hardware(root, name) else software(name)
            facts |= {f"link.{name}.{key}": fact for key, fact in answers.items()}
            facts[f"link.{name}.driver"] = _driver(root, name, links.get(name))
            facts |= _qdisc(name, [q for q in qdiscs if name in links and q["index"] == links[name]["index"]])
    finally:
        tool.close()
    return facts


def _netlink() -> Ethnl | None:
    try:
        return Ethnl()
    except OSError:  # a kernel before 5.6, where the ioctl serves
        return None


def _driver(root: Root, name: str, link: Mapping[str, Any] | None) -> Fact:
    source = f"/sys/class/net/{name}/device/driver, ip -d link"
    try:
        return known(root.link_name(f"sys/class/net/{name}/device/driver"), source)
    except OSError as failure:
        kind = link.get(("linkinfo", "kind")) if link else None  # type: ignore[call-overload]
        return known(kind, source) if kind else unknown(why(failure), source)


def _ethtool(tool: "pyroute2.Ethtool", netlink: Ethnl | None, name: str) -> Facts:
    """Ask for each group once; a group the driver does not offer gives its keys a problem."""
    facts = _group(f"ethtool -l {name}", ("channels", "channels_max"), lambda: _channels(tool.get_channels(name)))
    facts |= _group(f"ethtool -g {name}", tuple(RINGS), lambda: _rings(tool.get_rings(name)))
    facts |= _group(f"dcb pfc show dev {name}", ("pfc_priorities", "dcb_trust"), lambda: dcb(name))
    if netlink is None:
        facts |= _group(f"ethtool -c {name}", COALESCE, lambda: _coalesce(tool.get_coalesce(name)))
        facts |= _group(f"ethtool -k {name}", tuple(FEATURES), lambda: _features(tool.get_features(name)))
        return facts | dict.fromkeys(
            PAUSE, unknown(say(N_("Kernels before 5.6 are not asked.")), f"ethtool -a {name}")
        )
    facts |= _group(f"ethtool -c {name}", COALESCE, lambda: netlink.coalesce(name))
    facts |= _group(f"ethtool -k {name}", tuple(FEATURES), lambda: netlink.features(name, FEATURES))
    return facts | _group(f"ethtool -a {name}", PAUSE, lambda: netlink.pause(name))


def _group(source: str, keys: Sequence[str], read: Callable[[], Mapping[str, object]]) -> Facts:
    try:
        values = read()
    except EthtoolError:
        return dict.fromkeys(keys, refused(source))
    except OSError as failure:
        offered = failure.errno not in (errno.EOPNOTSUPP, errno.EINVAL)
        return dict.fromkeys(keys, unknown(why(failure), source) if offered else refused(source))
    return {key: refused(source) if values.get(key) is None else known(values[key], source) for key in keys}


def _channels(answer: "EthtoolChannels") -> Values:
    """A driver has combined channels, or separate ones of which those that receive count."""
    return {
        "channels": answer.combined_count or answer.rx_count or None,
        "channels_max": answer.max_combined or answer.max_rx or None,
    }


def _rings(answer: "EthtoolRings") -> Values:
    return {key: getattr(answer, field, None) for key, field in RINGS.items()}


def _coalesce(answer: Mapping[str, int]) -> Values:
    return {"adaptive_rx": _on(answer["use_adaptive_rx_coalesce"]), "rx_usecs": answer["rx_coalesce_usecs"]}


def _features(answer: "EthtoolFeatures") -> Values:
    flags = answer.features
    return {key: _on(flags[flag].enable) if flag in flags else None for key, flag in FEATURES.items()}


def _on(value: object) -> str:
    return "on" if value else "off"


def _qdisc(name: str, qdiscs: list[Any]) -> Facts:
    return qdisc_facts(name, [(str(q.get("TCA_KIND")), q["parent"] == _ROOT) for q in qdiscs])
