"""How far our round-trip times are from the truth, and what probing costs, with fping beside it in the same run.

A responder of its own process answers behind a TUN device after 5 to 55 ms. While we probe from the hub's thread,
the main thread is as busy as a screen being redrawn. Needs root and fping.
"""

import os
import resource
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from analysis.samples import Outcome, Probes, Route, Sample, Series
from analysis.settings import TargetSettings
from collectors.clock import Clock
from collectors.hub import Hub
from collectors.probe.paths import PathProber
from collectors.routebook import RouteBook
from tests.lab.bed import Bed, inside
from tests.lab.path import add_targets
from tests.lab.responder import Behaviour

SETTLE_S = 1.5
Busy = Callable[[float], None]


class Result(NamedTuple):
    """Errors in ms (measured minus true) of every answered probe; what was sent; processor seconds."""

    errors_ms: list[float]
    sent: int
    cpu_s: float

    def quantile(self, part: float) -> float:
        return self.errors_ms[min(int(len(self.errors_ms) * part), len(self.errors_ms) - 1)]


def truth(count: int) -> dict[str, float]:
    """Addresses with their true round-trip times in ms, 5 to 55 of them."""
    return {f"10.200.{i // 250}.{i % 250 + 1}": 5 + 50 * (i + 1) / count for i in range(count)}


def idle(seconds: float) -> None:
    time.sleep(seconds)


def redrawing(seconds: float) -> None:
    """Hold the interpreter for 20 ms of every 100 ms, as drawing does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        block = time.perf_counter() + 0.020
        while time.perf_counter() < block:
            pass
        time.sleep(0.080)


def ours(true_ms: dict[str, float], interval_s: float, seconds: float, busy: Busy) -> Result:
    clock, samples = Clock(), list[Sample]()
    book = RouteBook()
    book.publish((Route("tun0", "tun0", 4, "tun0"),))
    targets = [TargetSettings(address, interval_s=interval_s) for address in true_ms]
    hub = Hub([PathProber(targets, book, clock)], clock)
    hub.subscribe(samples.append)
    hub.start()
    idle(SETTLE_S)
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.monotonic()
    busy(seconds)
    waited = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    hub.stop()
    cpu_s = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * seconds / waited
    return judged(samples, true_ms, cpu_s)


def judged(samples: Sequence[Sample], true_ms: dict[str, float], cpu_s: float) -> Result:
    true_of = {one.id: true_ms[one.address] for one in samples if isinstance(one, Series)}
    errors, sent = [], 0
    for batch in samples:
        if isinstance(batch, Probes):
            for series, outcome, rtt_us in zip(batch.series, batch.outcome, batch.rtt_us, strict=True):
                sent += outcome in (Outcome.ANSWERED, Outcome.LOST, Outcome.FAILED)
                if outcome == Outcome.ANSWERED and rtt_us is not None:
                    errors.append(rtt_us / 1000 - true_of[series])
    return Result(sorted(errors), sent, cpu_s)


class Fping:
    """fping, started beside us and read at the end."""

    def __init__(self, true_ms: dict[str, float], interval_s: float, seconds: float) -> None:
        self.true_ms = true_ms
        self.rounds = int(seconds / interval_s)
        pause_ms = max(interval_s * 900 / len(true_ms), 0.01)
        argv = [
            "fping",
            "-C",
            str(self.rounds),
            "-p",
            str(interval_s * 1000),
            "-i",
            f"{pause_ms:.3f}",
            "-t2000",
            "-q",
        ]
        self.process = subprocess.Popen([*argv, *true_ms], stderr=subprocess.PIPE, text=True)

    def result(self) -> Result:
        assert self.process.stderr is not None
        text = self.process.stderr.read()
        _pid, _status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = 0
        errors = []
        for line in text.splitlines():
            address, _, values = line.partition(" : ")
            errors += [float(value) - self.true_ms[address.strip()] for value in values.split() if value != "-"]
        return Result(sorted(errors), self.rounds * len(self.true_ms), usage.ru_utime + usage.ru_stime)


def side_by_side(count: int, interval_s: float, seconds: float, busy: Busy) -> tuple[Result, Result]:
    """Probe `count` targets by both at one time."""
    bed, true_ms = Bed(), truth(count)
    try:
        namespace = bed.namespace()
        targets = {address: Behaviour(delay_ms=delay_ms) for address, delay_ms in true_ms.items()}
        add_targets(bed, namespace, targets, realtime=True, spin_us=300)
        with inside(namespace):
            peer = Fping(true_ms, interval_s, seconds)
            return ours(true_ms, interval_s, seconds, busy), peer.result()
    finally:
        bed.close()


def row(what: str, mine: float, peer: float, unit: str, goal: str) -> str:
    ratio = f"{mine / peer:6.2f}" if peer else "     –"
    return f"{what:<46} | {mine:9.3f} {unit:<2} | {peer:9.3f} {unit:<2} | {ratio} | {goal}"


def error_rows(name: str, mine: Result, peer: Result, goal: str) -> list[str]:
    return [
        row(f"{name}: error p50", mine.quantile(0.5), peer.quantile(0.5), "ms", ""),
        row(f"{name}: error p99", mine.quantile(0.99), peer.quantile(0.99), "ms", goal),
        row(f"{name}: unanswered", mine.sent - len(mine.errors_ms), peer.sent - len(peer.errors_ms), "", "0"),
    ]


def report(seconds: float = 10.0, busy: Busy = redrawing) -> list[str]:
    """Return the table, one row a line. `busy` occupies the main thread for so many seconds."""
    lines = [f"{'what':<46} | {'longpipe':<12} | {'fping':<12} | ratio  | goal"]
    lines += error_rows("100 targets, 1 Hz, idle", *side_by_side(100, 1.0, seconds, idle), "<= 0.5 ms")
    lines += error_rows("100 targets, 1 Hz, redrawing", *side_by_side(100, 1.0, seconds, busy), "<= 0.5 ms")
    mine, peer = side_by_side(1000, 1.0, seconds, idle)
    lines += error_rows("1000 targets, 1 Hz", mine, peer, "")
    lines.append(
        row("1000 targets, 1 Hz: core", mine.cpu_s / seconds * 100, peer.cpu_s / seconds * 100, "%", "<= 60 %")
    )
    mine, peer = side_by_side(1, 0.01, seconds, idle)
    lines += error_rows("1 target, 100 Hz", mine, peer, "")
    lines.append(row("1 target, 100 Hz: core", mine.cpu_s / seconds * 100, peer.cpu_s / seconds * 100, "%", ""))
    return lines


def main() -> None:
    print("\n".join(report()))


if __name__ == "__main__":
    main()
