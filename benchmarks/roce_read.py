"""Reading a capture of 2 million RoCE packets of 64 QPs: longpipe beside tshark and cat.

Medians of wall time, page cache warm, and the peak memory of each command in one more run. The commands take turns:
the speed of a virtual machine changes by the minute, and what is compared should meet the same.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.compiled import ROOT, compile_all

WRITE = """
import sys
from pathlib import Path
from benchmarks.roce_capture import write
write(Path(sys.argv[1]), int(sys.argv[2]))
"""
"""Run in a process of its own: a large process here would count in the memory of all that it starts."""
FIELDS = (
    "frame.time_epoch",
    "frame.len",
    "ip.src",
    "ip.dst",
    "ip.dsfield.dscp",
    "ip.dsfield.ecn",
    "infiniband.bth.opcode",
    "infiniband.bth.destqp",
    "infiniband.bth.psn",
    "infiniband.bth.a",
    "infiniband.aeth.syndrome",
    "infiniband.reth.dmalen",
)
"""What the same summary needs of each packet."""
TSHARK_RUNS = 3


def timed(command: list[str]) -> float:
    """Run a command; return its wall time in seconds."""
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def in_turns(commands: list[list[str]], times: int) -> list[list[float]]:
    """Run the commands in turns; return the wall times of each in seconds."""
    rounds = [[timed(command) for command in commands] for _ in range(times)]
    return [list(column) for column in zip(*rounds, strict=True)]


def medians(commands: list[list[str]], times: int) -> list[float]:
    """Run the commands in turns; return the median wall time of each in seconds."""
    return [statistics.median(column) for column in in_turns(commands, times)]


def peak(command: list[str]) -> float:
    """Run a command; return the peak memory in MiB of it and the processes it starts, shared pages counted once.

    The kernel's own peak of the largest process stands in where the samples missed it. It includes the peak of
    whoever started the process, up to exec: so this program stays small.
    """
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most, ended = 0, 0
    while not ended:
        most = max(most, sum(map(pss_kib, tree(process.pid))))
        ended, _, usage = os.wait4(process.pid, os.WNOHANG)
        time.sleep(0.002)
    process.returncode = 0
    return max(most, usage.ru_maxrss) / 1024


def tree(pid: int) -> list[int]:
    """Return a process and those it started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(one for child in children for one in tree(int(child)))]


def pss_kib(pid: int) -> int:
    """Return the memory of a process, each shared page divided by those that share it; 0 when it has gone."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--packets", type=int, default=2_000_000)
    options.add_argument("--runs", type=int, default=45)
    options.add_argument("--capture", type=Path, help="use this capture instead of a generated one")
    args = options.parse_args()
    compile_all()
    with tempfile.TemporaryDirectory() as folder:
        capture = args.capture or Path(folder) / "roce.pcap"
        if args.capture is None:
            subprocess.run([sys.executable, "-c", WRITE, str(capture), str(args.packets)], cwd=ROOT, check=True)
        measure(capture, args.runs)


def measure(capture: Path, runs: int) -> None:
    file = str(capture)
    longpipe, cat = [sys.executable, "-m", "tui", "roce", "--json", file], ["cat", file]
    timed(cat)  # warms the page cache
    both = in_turns([longpipe, cat], runs)
    ours, plain = map(statistics.median, both)
    low, _, high = statistics.quantiles((one / other for one, other in zip(*both, strict=True)), n=4)
    print(f"{capture.stat().st_size / 1e6:.0f} MB, {os.cpu_count()} cores")
    print(f"longpipe roce --json         {ours:8.2f} s   {peak(longpipe):5.0f} MiB   (at most 150)")
    print(f"cat                          {plain:8.3f} s   it takes {ours / plain:.1f} times as long (at most 25)")
    print(f"                                          {low:.1f} to {high:.1f} in the middle half of {runs} rounds")
    if shutil.which("tshark") is None:
        print("tshark is not installed: not compared")
        return
    stat = ["tshark", "-n", "-q", "-z", "io,stat,0", "-r", file]
    fields = ["tshark", "-n", "-r", file, "-T", "fields", *(word for field in FIELDS for word in ("-e", field))]
    ours, summing, listing = medians([longpipe, stat, fields], TSHARK_RUNS)
    memory = peak(stat)
    print(f"tshark -q -z io,stat,0       {summing:8.2f} s   {memory:5.0f} MiB   {summing / ours:.1f} x (at least 10)")
    print(f"tshark -T fields             {listing:8.2f} s               {listing / ours:.1f} x (at least 50)")


if __name__ == "__main__":
    main()
