"""Reading a capture of 2 million RoCE packets of 64 QPs: longpipe beside tshark and cat.

Medians of wall time, page cache warm, and the peak memory of each process.
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

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.roce_capture import write

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


def timed(command: list[str]) -> tuple[float, float]:
    """Run a command; return its wall time in seconds and its peak memory in MiB."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def median(command: list[str], times: int) -> tuple[float, float]:
    runs = [timed(command) for _ in range(times)]
    return statistics.median(run[0] for run in runs), max(run[1] for run in runs)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--packets", type=int, default=2_000_000)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--capture", type=Path, help="use this capture instead of a generated one")
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        capture = args.capture or Path(folder) / "roce.pcap"
        if args.capture is None:
            write(capture, args.packets)
        measure(capture, args.runs)


def measure(capture: Path, runs: int) -> None:
    file = str(capture)
    ours, peak = median([sys.executable, "-m", "tui", "roce", "--json", file], runs)
    cat, _ = median(["cat", file], runs)
    print(f"{capture.stat().st_size / 1e6:.0f} MB")
    print(f"longpipe roce --json         {ours:8.2f} s   {peak:5.0f} MiB   (at most 150)")
    print(f"cat                          {cat:8.3f} s   longpipe takes {ours / cat:.1f} times as long (at most 25)")
    if shutil.which("tshark") is None:
        print("tshark is not installed: not compared")
        return
    stat, stat_peak = median(["tshark", "-n", "-q", "-z", "io,stat,0", "-r", file], min(runs, 3))
    print(f"tshark -q -z io,stat,0       {stat:8.2f} s   {stat_peak:5.0f} MiB   {stat / ours:.1f} x (at least 10)")
    command = ["tshark", "-n", "-r", file, "-T", "fields", *(word for field in FIELDS for word in ("-e", field))]
    fields, fields_peak = timed(command)
    print(
        f"tshark -T fields             {fields:8.2f} s   {fields_peak:5.0f} MiB   {fields / ours:.1f} x (at least 50)"
    )


if __name__ == "__main__":
    main()
