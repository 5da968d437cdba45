"""Session files: what a day costs to record, open, jump in and replay; NextTrace's figures and zstdcat beside.

The reference load is 100 targets at 1 Hz, counters of 4 interfaces, 16 cores and TCP, two RDMA ports, and ten busy
RoCE flows, for 24 hours. Dice are seeded: every run records the same day.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from analysis.samples import (
    CoreTimes,
    Fact,
    Facts,
    Host,
    LinkCounters,
    Links,
    Outcome,
    Probes,
    Rdma,
    RdmaPort,
    RoceFlow,
    RoceRtt,
    RoceTick,
    Route,
    Routes,
    Sample,
    Series,
    TcpCounters,
)
from analysis.settings import Settings
from analysis.view import Lens, View
from collectors.clock import Clock
from collectors.session.filestore import FileStore
from collectors.session.header import new_header
from collectors.session.index import index_path
from collectors.session.reader import SessionFile
from collectors.session.writer import SessionWriter
from collectors.timeline import HORIZON_NS, Timeline

T = TypeVar("T")
S = 10**9
START = 1_790_000_000 * S
HOUR = 3600
TOOL = "longpipe benchmark"
TCP_NAMES = tuple(f"TcpExtTCPCounterNumber{n:02}" for n in range(45))
RDMA_NAMES = tuple(f"rdma_hw_counter_{n:02}" for n in range(30))


def day(targets: int, seconds: int) -> Iterator[list[Sample]]:
    """Yield the samples of each second; loss is 0.5 %, times wander and now and then jump."""
    import numpy as np  # here, so that the process that replays does without

    dice = np.random.default_rng(7)
    base = dice.uniform(5_000, 200_000, targets)
    phase = np.sort(dice.uniform(0, 1e6, targets))
    wander = np.zeros(targets)
    totals = np.zeros(400, dtype=np.int64) + 10**9
    yield definitions(targets)
    waiting: list[tuple[float, int, float, int, int | None]] = []
    for second in range(seconds):
        sent = second * 1e6 + phase + dice.uniform(0, 120, targets)
        wander = wander * 0.95 + dice.normal(0, 150, targets)
        rtt = base + wander + np.abs(dice.normal(0, 400, targets))
        rtt += (dice.random(targets) < 0.02) * dice.exponential(8_000, targets)
        lost = dice.random(targets) < 0.005
        now = (second + 1) * 1e6
        for n in range(targets):
            if lost[n]:
                waiting.append((sent[n] + 2e6, n + 1, sent[n], Outcome.LOST, None))
            else:
                waiting.append((sent[n] + rtt[n], n + 1, sent[n], Outcome.ANSWERED, int(rtt[n])))
        settled = sorted((row for row in waiting if row[0] <= now), key=lambda row: row[1])
        waiting = [row for row in waiting if row[0] > now]
        totals += dice.integers(0, 5_000, 400)
        t = START + (second + 1) * S
        probes = Probes(
            t,
            tuple(row[1] for row in settled),
            tuple(int((now - row[2]) // 1000) * 1000 for row in settled),
            tuple(int(row[3]) for row in settled),
            tuple(row[4] for row in settled),
            in_flight=tuple(sorted({row[1]: 1 for row in waiting}.items())),
        )
        yield [probes, *counters(t, [int(n) for n in totals])]


def definitions(targets: int) -> list[Sample]:
    facts = {f"sysctl.net.ipv4.some_value_{n}": Fact(str(n * 4096), f"/proc/sys/net/ipv4/{n}") for n in range(150)}
    return [
        Routes(START, (Route("dev eth0 via 192.0.2.1", "eth0", 4, "eth0", "192.0.2.1"),)),
        Facts(START, facts),
        *(Series(START, n, f"node{n}.example.net", f"198.51.100.{n}", route="eth0") for n in range(1, targets + 1)),
    ]


def counters(t: int, totals: list[int]) -> Iterator[Sample]:
    names = ("eth0", "eth1", "ib0", "lo")
    yield Links(
        t, tuple(LinkCounters(name, True, *totals[8 * n : 8 * n + 4], 0, 0, 0, 0) for n, name in enumerate(names))
    )
    cores = tuple(CoreTimes(totals[40 + n] >> 10, totals[60 + n] >> 14, t // 10**7) for n in range(16))
    yield Host(t, cores, tuple(totals[80:96]), (0,) * 16, (0,) * 16, 1 << 40, (1 << 39) + totals[96] * 4096 % 10**8)
    tcp = {name: totals[100 + n] if n < 12 else 0 for n, name in enumerate(TCP_NAMES)}
    yield TcpCounters(t, tcp)
    ports = tuple(
        RdmaPort(
            f"mlx5_{port}",
            1,
            "Ethernet",
            "ACTIVE",
            counters={n: totals[150 + 30 * port + i] if i < 10 else 0 for i, n in enumerate(RDMA_NAMES)},
        )
        for port in range(2)
    )
    yield Rdma(t, ports)
    flows = tuple(flow(n, totals) for n in range(10))
    opcodes = tuple(
        (code, totals[200 + n] & 0xFFFF, totals[210 + n] & 0xFFFFFFF) for n, code in enumerate((0, 1, 2, 17))
    )
    hosts = tuple(f"192.0.2.{n}" for n in range(10, 16))
    yield RoceTick(
        t, "eth0", S, totals[215] & 0xFFFFF, 0, totals[216] & 0xFFFFFFFF, opcodes=opcodes, hosts=hosts, flows=flows
    )


def flow(n: int, totals: list[int]) -> RoceFlow:
    """Return a busy flow: some 100 MB in the second, its PSNs going round, round trips of tens of microseconds."""
    a, b, c = totals[220 + n], totals[240 + n], totals[260 + n]
    packets = 25_000 + a % 1024
    trips = RoceRtt("ack", packets // 16, 8.0 + a % 8, 11.0 + b % 16, 20.0 + c % 64, 60.0 + a % 512)
    return RoceFlow(
        n % 3, 3 + n % 3, 0x100 + n, "req", "RC", 0x200 + n, 4096, 4711 + n, b & 0xFFFFFF, 1,
        packets, packets * 4186, packets * 4096, packets // 16, packets * 4096, 1 << 16,
        sizes=((17, packets // 16),), in_flight=(packets // 16, packets * 3, 96), rtt=(trips,),
    )  # fmt: skip


def line(what: str, figure: str, bar: str) -> None:
    print(f"{what:44} {figure:>22}   {bar}")


def timed(ask: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    result = ask()
    return time.perf_counter() - started, result


def record(folder: Path, targets: int, seconds: int) -> tuple[list[Path], float, int]:
    """Record a day in hourly files as the recorder does; return them, the CPU seconds spent, and the probes."""
    clock = Clock(lambda: START, lambda: 0)
    header = new_header(clock, TOOL, {}, ())
    writer = SessionWriter(folder / "00.lps", header)
    paths, spent, probes = [writer.path], 0.0, 0
    for second, samples in enumerate(day(targets, seconds)):
        started = time.process_time()
        if second and second % HOUR == 0:
            writer.close(continued=True)
            writer = SessionWriter(folder / f"{second // HOUR:02}.lps", header, writer.definitions)
            paths.append(writer.path)
        for sample in samples:
            writer.write(sample)
        writer.flush()
        spent += time.process_time() - started
        if isinstance(samples[0], Probes):
            probes += len(samples[0].series)
    started = time.process_time()
    writer.close()
    return paths, spent + time.process_time() - started, probes


def open_store(paths: list[Path]) -> FileStore:
    return FileStore([SessionFile(path, TOOL) for path in paths])


def first_view(paths: list[Path]) -> FileStore:
    """Do what the first frame needs: the span, the scrubber's roll-ups where there are any, the view at the end."""
    store = open_store(paths)
    span = store.span()
    assert span
    store.columns(*span, (span[1] - span[0]) // 100)
    jump(store, span[1])
    return store


def jump(store: FileStore, to_ns: int) -> View:
    """Put a cursor somewhere and look: read what judgements rest on, fold it, make the view."""
    timeline = Timeline(store, Settings())
    timeline.seek(to_ns)
    return timeline.view(Lens())


def replayed(paths: list[Path]) -> None:
    """Run in a process of its own: replay everything second by second, say how the memory grew."""
    before = peak_kib()
    store = first_view(paths)
    span = store.span()
    assert span
    seen = sum(len(s.series) for s in store.between(0, span[1]) if isinstance(s, Probes))
    after = peak_kib()
    print(seen, after / 1024, (after - before) / 1024)


def peak_kib() -> int:
    """Return the largest resident size of this process since it began (getrusage would count its parent's)."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def read(store: FileStore, to_ns: int) -> int:
    """Read what a jump reads, and no more."""
    begin = to_ns - HORIZON_NS
    return len(store.definitions(begin)) + sum(1 for _ in store.leading_to(begin, to_ns))


def in_own_process(paths: list[Path]) -> tuple[float, list[float]]:
    code = "import sys; from benchmarks.sessions import *; replayed([Path(path) for path in sys.argv[1:]])"
    spent, done = timed(lambda: subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, check=True))
    return spent, [float(word) for word in done.stdout.split()]


def the_day(folder: Path, hours: int) -> None:
    paths, spent, probes = record(folder, 100, hours * HOUR)
    size = sum(path.stat().st_size for path in paths)
    indexes = sum(index_path(path).stat().st_size for path in paths)
    line("probe results recorded", f"{probes:,}", f"{hours} h, 100 targets at 1 Hz, counters, 10 RoCE flows")
    line("recording, share of a core", f"{spent / hours / HOUR:.2%}", "<= 1 %")
    line("on disk for 24 h", f"{size * 24 / hours / 2**20:.1f} MiB", "<= 80 MiB")
    line("  and the indexes", f"{indexes * 24 / hours / 2**20:.1f} MiB", "a cache")
    opening, store = timed(lambda: first_view(paths))
    line("open, overview and view at the end", f"{opening * 1000:.0f} ms", "<= 1000 ms to the first frame")
    dice = random.Random(3)
    instants = [START + int(dice.uniform(900, hours * HOUR)) * S for _ in range(60)]
    jumps = sorted(timed(partial(jump, store, at))[0] for at in instants)
    reads = sorted(timed(partial(read, store, at))[0] for at in instants)
    line("jump anywhere, p50: read, fold, view", f"{jumps[30] * 1000:.0f} ms", "<= 150 ms")
    line("  at worst", f"{jumps[-1] * 1000:.0f} ms", f"of 60; reading alone: p50 {reads[30] * 1000:.0f} ms")
    middle = hours * HOUR // 2
    step, _ = timed(
        lambda: [list(store.between(START + n * S, START + (n + 1) * S)) for n in range(middle, middle + 300)]
    )
    line("one second further", f"{step / 300 * 1000:.2f} ms", "at 1x, once a second")
    spent, (seen, peak, grown) = in_own_process(paths)
    assert int(seen) == probes
    line("replay of everything, own process", f"{spent:.1f} s", f"{probes / spent:,.0f} probes/s")
    line("  its memory at most", f"{peak:.0f} MiB (grew {grown:.0f})", "<= 120 MiB")
    floor, _ = timed(
        lambda: subprocess.run(f"zstdcat {folder}/*.lps | wc", shell=True, stdout=subprocess.DEVNULL, check=True)
    )
    line("  floor: zstdcat | wc", f"{floor:.1f} s", "")
    for path in paths:
        index_path(path).unlink()
    opening, store = timed(lambda: first_view(paths))
    line("open without any index, view at the end", f"{opening * 1000:.0f} ms", "<= 1000 ms to the first frame")
    scanning, _ = timed(store.scan)
    line("  and the overview scanned anew", f"{scanning:.1f} s", "in the background, file by file")
    whole = folder / "whole.lps"
    with whole.open("wb") as file:
        file.writelines(path.read_bytes() for path in paths)
    opening, _ = timed(lambda: first_view([whole]))
    line("  all in one file, without an index", f"{opening * 1000:.0f} ms", "<= 1000 ms to the first frame")


def the_peer(folder: Path) -> None:
    """Load 100,000 probes, as NextTrace published it for its own recordings."""
    paths, _, probes = record(folder, 100, 1001)
    spent, (seen, _, grown) = in_own_process(paths)
    assert int(seen) == probes
    size = sum(path.stat().st_size for path in paths)
    line(
        f"load {probes:,} probes, process start included",
        f"{spent:.2f} s, +{grown:.1f} MiB",
        "NextTrace 4.57 s, 39.7 MiB",
    )
    line("  their file", f"{size / 2**20:.2f} MiB", "NextTrace 55.2 MiB")
    floor, _ = timed(
        lambda: subprocess.run(f"zstdcat {folder}/*.lps | wc", shell=True, stdout=subprocess.DEVNULL, check=True)
    )
    line("  floor: zstdcat | wc", f"{floor:.2f} s", "")


def main() -> None:
    hours = int(os.environ.get("BENCH_HOURS", "24"))
    with tempfile.TemporaryDirectory() as peer, tempfile.TemporaryDirectory() as reference:
        the_peer(Path(peer))
        the_day(Path(reference), hours)


if __name__ == "__main__":
    main()
