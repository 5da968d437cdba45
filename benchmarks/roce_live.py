"""Live capture of RoCE headers: packets lost and processor time at a steady rate, beside tcpdump and scapy.

    python -m benchmarks.roce_live [--pps N] [--seconds S] [--rounds N] [--realtime]

One cable between two namespaces; the sender keeps the first core, the reader the second. All use a kernel filter, a
snap length of 128 bytes and a buffer of 32 MiB. Needs root; leaves out what is not installed. On a box that has other
work to do, --realtime (SCHED_RR for all of them) tells what the cores could do if it had none.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from collectors.capture.options import Options
from collectors.capture.start import helper_argv
from tests.collectors.capture.cable import Cable
from tests.lab.bed import Bed, inside
from tests.tui.pty_run import PtyRun

SENDER_CORE, READER_CORE = 0, 1
FIRST: Final[list[str]] = []
"""What comes before every command line."""
SNAP: Final = 128
FILTER: Final = "udp dst port 4791"
SCAPY: Final = f"""
import sys
from scapy.all import AsyncSniffer
count = 0
def one(packet):
    global count
    count += 1
sniffer = AsyncSniffer(iface="far", filter={FILTER!r}, store=False, prn=one)
sniffer.start()
while not sniffer.running or not hasattr(sniffer, "stop_cb"):
    pass
print("ready", flush=True)
sys.stdin.read()
print(count)
sniffer.stop()
"""


class Load(NamedTuple):
    """One stretch of traffic and what a reader made of it."""

    sent: int
    pps: float
    captured: int
    dropped: int | None
    cpu_s: float
    """Of the reader, from the first packet to the last."""


Reader = Callable[
    [Cable], "contextlib.AbstractContextManager[tuple[psutil.Process, Callable[[], tuple[int, int | None]]]]"
]


def on_reader_core(argv: list[str]) -> list[str]:
    return [*FIRST, "taskset", "-c", str(READER_CORE), *argv]


@contextlib.contextmanager
def ours(cable: Cable) -> Iterator[tuple[psutil.Process, Callable[[], tuple[int, int | None]]]]:
    argv = helper_argv(Options("far", flows=10), allowed=True, sudo=None)
    assert argv is not None
    with inside(cable.there):
        process = subprocess.Popen(on_reader_core(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdout.readline()
    lines: list[bytes] = []
    reading = threading.Thread(target=lambda: lines.extend(process.stdout or ()))
    reading.start()

    def end() -> tuple[int, int | None]:
        assert process.stdin is not None
        process.stdin.close()
        reading.join()
        ticks = [json.loads(line) for line in lines]
        return tuple(sum(tick.get(name, 0) for tick in ticks) for name in ("captured", "dropped"))  # type: ignore[return-value]

    yield psutil.Process(process.pid), end
    process.wait()


@contextlib.contextmanager
def tcpdump(cable: Cable) -> Iterator[tuple[psutil.Process, Callable[[], tuple[int, int | None]]]]:
    argv = ["tcpdump", "-i", "far", "-s", str(SNAP), "-B", "32768", "-w", "/dev/null", FILTER]
    with inside(cable.there):
        process = subprocess.Popen(on_reader_core(argv), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while "listening" not in process.stderr.readline():
        pass

    def end() -> tuple[int, int | None]:
        process.terminate()
        said = process.communicate()[1]
        numbers = [re.search(rf"(\d+) packets? {what}", said) for what in ("captured", "dropped by kernel")]
        captured, dropped = (int(number[1]) if number else None for number in numbers)
        return captured or 0, dropped

    yield psutil.Process(process.pid), end
    process.wait()


@contextlib.contextmanager
def scapy(cable: Cable) -> Iterator[tuple[psutil.Process, Callable[[], tuple[int, int | None]]]]:
    with inside(cable.there):
        process = subprocess.Popen(
            on_reader_core([sys.executable, "-c", SCAPY]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    assert process.stdout is not None
    process.stdout.readline()

    def end() -> tuple[int, int | None]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        return int(process.stdout.readline()), None

    yield psutil.Process(process.pid), end
    process.kill()
    process.wait()


@contextlib.contextmanager
def dashboard(cable: Cable) -> Iterator[None]:
    """A dashboard of 120x36 on the reader's core, its terminal read as fast as it writes."""
    with inside(cable.there):
        run = PtyRun(on_reader_core([sys.executable, "-m", "tui", "127.0.0.1", "--no-record"]), 120, 36)
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            run.read_for(0.2)

    with run:
        run.wait_for(lambda: any(run.rows()))
        reading = threading.Thread(target=read)
        reading.start()
        try:
            yield
        finally:
            stop.set()
            reading.join()


def measure(reader: Reader, pps: float, seconds: float, beside: bool = False) -> Load:
    bed = Bed()
    try:
        cable = Cable(bed)
        with dashboard(cable) if beside else contextlib.nullcontext(), reader(cable) as (process, end):
            sent, took, cpu = send(cable, process, pps, seconds)
            captured, dropped = end()
        return Load(sent, sent / took, captured, dropped, cpu)
    finally:
        bed.close()


def send(cable: Cable, process: psutil.Process, pps: float, seconds: float) -> tuple[int, float, float]:
    argv = [
        *(*FIRST, "taskset", "-c", str(SENDER_CORE)),
        sys.executable,
        "-m",
        "benchmarks.roce_sender",
        "near",
        str(pps),
        str(seconds),
    ]
    with inside(cable.here), subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdout is not None
        sender.stdout.readline()
        before, begun = process.cpu_times(), time.perf_counter()
        sent = int(sender.stdout.readline())
        took = time.perf_counter() - begun
    time.sleep(1.2)  # what is in the ring still has to be read
    after = process.cpu_times()
    return sent, took, after.user + after.system - before.user - before.system


def line(name: str, loads: list[Load]) -> None:
    sent, captured = (sum(getattr(load, field) for load in loads) for field in ("sent", "captured"))
    dropped = [load.dropped for load in loads if load.dropped is not None]
    seconds = sum(load.sent / load.pps for load in loads)
    print(
        f"{name:34}{statistics.median(load.pps for load in loads):>9,.0f}{sent:>12,}{captured:>12,}"
        f"{sum(dropped) if dropped else '–':>10}{100 * (1 - captured / sent):>8.2f}%"
        f"{100 * sum(load.cpu_s for load in loads) / seconds:>8.0f}%"
        f"{1e6 * sum(load.cpu_s for load in loads) / max(captured, 1):>9.2f}",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pps", type=float, default=300_000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--realtime", action="store_true")
    args = parser.parse_args()
    FIRST.extend(["chrt", "-r", "1"] if args.realtime else [])
    if os.geteuid() or not Path("/usr/sbin/ip").exists() or (os.cpu_count() or 1) < 2:
        print("needs root, ip(8) and two cores")
        return 1
    peers: list[tuple[str, Reader, bool]] = [
        ("longpipe", ours, False),
        ("longpipe, dashboard on its core", ours, True),
    ]
    if shutil.which("tcpdump"):
        peers.append(("tcpdump -w /dev/null", tcpdump, False))
    peers.append(("scapy AsyncSniffer", scapy, False))
    print(
        f"{'reader':34}{'pps':>9}{'sent':>12}{'captured':>12}{'dropped':>10}{'lost':>9}{'core':>9}{'µs/pkt':>9}",
        flush=True,
    )
    for name, reader, beside in peers:
        line(name, [measure(reader, args.pps, args.seconds, beside) for _ in range(args.rounds)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
