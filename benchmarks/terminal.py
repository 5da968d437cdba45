"""What a program costs the line and the box: bytes a second to the terminal, CPU, memory, time to the first paint.

    python -m benchmarks.terminal [--seconds N] [--size 120x36] [--only NAME]

Goals for an idle dashboard at 120x36 and one refresh a second: 4 KB/s, 4 % of a core, 90 MiB.
"""

import argparse
import os
import shutil
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.tui.pty_run import PtyRun, python

SETTLE_S = 3.0


class Cost(NamedTuple):
    """What one command cost at rest."""

    first_paint_s: float
    bytes_per_s: float
    cpu_percent: float
    rss_mib: float


def measure(
    argv: Sequence[str],
    columns: int = 120,
    rows: int = 36,
    seconds: float = 10.0,
    env: Mapping[str, str] | None = None,
) -> Cost:
    """Run `argv` in a terminal of that size and measure it once it has settled."""
    with PtyRun(argv, columns, rows, env) as run:
        run.wait_for(lambda: any(run.rows()))
        painted = run.frames[-1][0]
        run.read_for(SETTLE_S)
        cpu = run.cpu_s()
        sent = run.read_for(seconds)
        if run.process.poll() is not None:
            raise SystemExit(f"{argv} ended by itself:\n" + "\n".join(run.rows()))
        return Cost(painted, sent / seconds, 100 * (run.cpu_s() - cpu) / seconds, run.rss_bytes() / 2**20)


def alone(argv: Sequence[str]) -> list[str]:
    """Return `argv` in a network namespace of its own with nothing but loopback: no probe can leave this machine.

    Loopback addresses as targets are not enough: every target is probed over every way out of the box.
    """
    return ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *argv]


def commands() -> dict[str, tuple[list[str], dict[str, str]]]:
    """Return what is compared, by name: (argument vector, environment). What probes needs root, for its namespace."""
    demo = python("-m", "tests.tui.demo_app")
    plain = {"LONGPIPE_NO_CELLDIFF": "1"}
    found: dict[str, tuple[list[str], dict[str, str]]] = {
        "demo": (demo, {}),
        "demo, no cell diff": (demo, plain),
        "demo, nothing changes": ([*demo, "--quiet"], {}),
    }
    peers = {"btop": ["btop"], "top": ["top", "-d", "1"]}
    if os.geteuid() == 0 and shutil.which("unshare"):
        targets = [f"127.0.0.{number}" for number in range(1, 11)]
        longpipe = alone(python("-m", "tui", "--no-record", *targets))
        found |= {"longpipe": (longpipe, {}), "longpipe, no cell diff": (longpipe, plain)}
        peers["mtr"] = ["mtr", "--curses", "127.0.0.1"]
    return found | {
        name: (alone(argv) if name == "mtr" else argv, {}) for name, argv in peers.items() if shutil.which(argv[0])
    }


def main() -> None:
    """Print one line a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--size", default="120x36")
    parser.add_argument("--only")
    chosen = parser.parse_args()
    columns, rows = map(int, chosen.size.split("x"))
    print(f"{chosen.size} for {chosen.seconds:g} s".ljust(24), "first paint s", "bytes/s", "CPU %", "MiB")
    for name, (argv, env) in commands().items():
        if chosen.only in (None, name):
            paint, sent, cpu, rss = measure(argv, columns, rows, chosen.seconds, env)
            print(f"{name:24} {paint:13.2f} {sent:7.0f} {cpu:5.1f} {rss:3.0f}", flush=True)


if __name__ == "__main__":
    main()
