"""What ethtool sets on a card: rings, channels, interrupt moderation, offloads."""

from collections.abc import Callable
from typing import Final

import msgspec

from analysis.advice.plan import Knob as Name
from analysis.advice.plan import Risk
from analysis.text import N_, say
from tuning.failure import Refused
from tuning.host import Host
from tuning.knobs.knob import Knob, identified, interface, one_of, split_key, whole
from tuning.steps import Cell, Run, Step

_NOW: Final = "/^Current hardware settings/,$"
_RINGS: Final = {"rx": "RX", "tx": "TX"}
_COALESCE: Final = {
    "adaptive_rx": ("adaptive-rx", r"s/^Adaptive RX: *\([a-z/]*\) .*/\1/p"),
    "rx_usecs": ("rx-usecs", r"s/^rx-usecs:[[:space:]]*//p"),
}
_FEATURES: Final = {
    "gro": "generic-receive-offload",
    "gso": "generic-segmentation-offload",
    "tso": "tcp-segmentation-offload",
}


class _Setting(msgspec.Struct, frozen=True):
    """One setting of one interface: `ethtool -<show> IF`, `ethtool -<change> IF <word> VALUE`."""

    name: str
    show: str
    change: str
    word: str
    sed: str

    @property
    def cell(self) -> Cell:
        return Cell(argv=("ethtool", self.show, self.name), sed=self.sed)

    def set(self, value: str) -> Run:
        return Run(("ethtool", self.change, self.name, self.word, value))


def _ring(_host: Host, key: str) -> _Setting:
    name, which = split_key("ring", key, tuple(_RINGS))
    return _Setting(name, "-g", "-G", which, rf"{_NOW}s/^{_RINGS[which]}:[[:space:]]*//p")


def _channels(host: Host, key: str) -> _Setting:
    """A driver has combined channels, or separate ones, of which those that receive are meant."""
    name = interface(key)
    combined = _Setting(name, "-l", "-L", "combined", rf"{_NOW}s/^Combined:[[:space:]]*//p")
    if host.read(combined.cell) not in {"", "0", "n/a"}:
        return combined
    return _Setting(name, "-l", "-L", "rx", rf"{_NOW}s/^RX:[[:space:]]*//p")


def _coalesce(_host: Host, key: str) -> _Setting:
    name, which = split_key("coalesce", key, tuple(_COALESCE))
    word, sed = _COALESCE[which]
    return _Setting(name, "-c", "-C", word, sed)


def _feature(_host: Host, key: str) -> _Setting:
    name, which = split_key("feature", key, tuple(_FEATURES))
    return _Setting(name, "-k", "-K", which, rf"s/^{_FEATURES[which]}: \([onf]*\)$/\1/p")


def _value(key: str, value: str, *, switch: bool, high: int) -> str:
    return one_of(value, ("on", "off"), key) if switch else str(whole(value, 1, high, key))


def _knob(
    name: Name, setting: Callable[[Host, str], _Setting], *, order: int, high: int = 1, risk: Risk = "R1"
) -> Knob:
    def read(host: Host, key: str) -> str:
        return host.read(setting(host, key).cell)

    def steps(host: Host, key: str, value: str) -> tuple[Step, ...]:
        place = setting(host, key)
        new = _value(key, value, switch=name == "feature" or key.endswith(".adaptive_rx"), high=high)
        old = host.read(place.cell)
        if old in {"", "n/a"}:
            raise Refused(say(N_("The driver of {interface} does not offer {what}."), interface=place.name, what=key))
        step = Step(name, key, place.cell, old, new, (place.set(new),), (place.set(old),), keep="boot")
        return (identified(host, place.name, step),)

    def device(key: str) -> str:
        return interface(key if name == "channels" else key.rpartition(".")[0])

    return Knob(name=name, order=order, read=read, steps=steps, risk=lambda _: risk, device=device)


KNOBS: Final = (
    _knob("channels", _channels, order=22, high=1024),
    _knob("ring", _ring, order=24, high=1 << 16),
    _knob("feature", _feature, order=26),
    _knob("coalesce", _coalesce, order=28, high=10_000),
)
