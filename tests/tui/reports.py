"""What reports are made of, canned."""

from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from analysis.advice.plan import Plan
from analysis.model import Model
from analysis.roce.decode import decode
from analysis.roce.tick import TickMaker
from analysis.samples import Fact, Facts, Sample
from analysis.settings import Settings
from collectors.pcapfile.reader import Reader
from collectors.pcapfile.source import open_source
from tests.samples import SECOND_NS, at, session
from tui.report.seen import Seen, seen


def seen_of(samples: Iterable[Sample], start: float, end: float, host: str = "gpu-07") -> Seen:
    """Return what these samples show, from and to in seconds of `tests.samples`."""
    model = Model(Settings())
    for sample in samples:
        model.fold(sample)
    return seen(model, host, "longpipe test", at(start), at(end))


def lossy() -> Seen:
    """A box that loses one probe in twenty over one of its two routes; no rule of advice has looked at it."""
    found = seen_of(session(300, lossy=20), 0, 300)
    return replace(found, view=replace(found.view, plan=Plan("none", "", container=False)))


def advised() -> Seen:
    """A box with a long lossy path and CUBIC, where a rule proposes a change."""
    values = {
        "sysctl.net.ipv4.tcp_congestion_control": "cubic",
        "sysctl.net.ipv4.tcp_available_congestion_control": "reno cubic bbr",
        "sysctl.net.ipv4.tcp_allowed_congestion_control": "reno cubic bbr",
        "module.tcp_bbr": "loaded",
        "kernel.release": "6.1.0",
        "container": "none",
        "netns.initial": "yes",
    }
    facts = Facts(at(0), {key: Fact(value, "/proc") for key, value in values.items()})
    return seen_of([facts, *session(300, rtt_us=150_000, lossy=20)], 0, 300)


def healthy() -> Seen:
    """A box that loses nothing."""
    return seen_of(session(120), 0, 120)


def lossy_roce() -> Seen:
    """A box whose RoCE traffic loses packets: a real capture of one loss, folded as when it is watched live."""
    capture = Path(__file__).parent.parent / "fixtures/captures/ipv6_loss1.pcap"
    maker = TickMaker(64)
    with open_source(str(capture)) as source:
        for frames in Reader(source):
            maker.add(decode(frames, maker.fold.pairs))
    maker.fold.finish()
    return seen_of([*session(60), maker.tick(at(60), "eth1", SECOND_NS, 0)], 0, 61)
