"""The dashboard itself, whole: its round-trip times while the terminal is slow, and how soon it is there.

    python -m benchmarks.dashboard

100 targets answer after 5 to 55 ms in a network namespace. The dashboard probes them at 1 Hz, is told to redraw the
whole screen ten times a second, and its terminal is read at 100 KB/s; what it measured is read from its own
recording, with fping beside it. Needs root and fping.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from analysis.samples import Sample
from benchmarks.rtt_error import Fping, Result, error_rows, judged, row, truth
from collectors.session.reader import SessionFile
from tests.lab.bed import Bed, inside
from tests.lab.path import add_targets
from tests.lab.responder import Behaviour
from tests.tui.pty_run import PtyRun, python

SECONDS = 15.0
LINE_BYTES_PER_S = 100_000
ALONE = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
"""A namespace with loopback alone: no probe can leave the machine."""
RUNS = 5


def slowly(run: PtyRun, seconds: float) -> None:
    """Read the terminal at `LINE_BYTES_PER_S`, asking for a whole redraw every 100 ms."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        run.send("\x0c")
        budget = LINE_BYTES_PER_S // 10
        tick = time.monotonic() + 0.1
        while time.monotonic() < tick:
            if budget > 0:
                budget -= run.read(max(0.001, tick - time.monotonic()), budget)
            else:
                time.sleep(max(0.0, tick - time.monotonic()))


def measured(state: Path, true_ms: dict[str, float]) -> Result:
    """Return what the dashboard recorded."""
    samples: list[Sample] = []
    for path in (state / "longpipe").glob("*.lps"):
        file = SessionFile(path)
        samples += file.samples()
        file.close()
    return judged(samples, true_ms, 0.0)


def slow_terminal() -> list[str]:
    """Return the errors of the dashboard behind a slow terminal, and fping's."""
    bed, true_ms = Bed(), truth(100)
    try:
        namespace = bed.namespace()
        targets = {address: Behaviour(delay_ms=delay_ms) for address, delay_ms in true_ms.items()}
        add_targets(bed, namespace, targets, realtime=True, spin_us=300)
        with tempfile.TemporaryDirectory() as folder, inside(namespace):
            peer = Fping(true_ms, 1.0, SECONDS)
            with PtyRun(python("-m", "tui", *true_ms), 120, 36, {"XDG_STATE_HOME": folder}) as run:
                slowly(run, SECONDS)
                run.send("q")
                run.exit_code()
            return error_rows(
                "100 targets behind a 100 KB/s terminal", measured(Path(folder), true_ms), peer.result(), "<= 0.5 ms"
            )
    finally:
        bed.close()


def seconds_of(argv: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(argv, check=True, capture_output=True)
    return time.perf_counter() - started


def first_paint() -> float:
    """Return seconds from exec to the first character on the screen."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with PtyRun([*ALONE, *python("-m", "tui", "127.0.0.1")], 120, 36, {"XDG_STATE_HOME": folder}) as run:
            run.wait_for_text("longpipe")
            return time.perf_counter() - started


def median(measure: Callable[[], float]) -> float:
    return sorted(measure() for _ in range(RUNS))[RUNS // 2]


def starting() -> list[str]:
    """Return how long starting takes, beside importing Textual alone."""
    textual = median(lambda: seconds_of([sys.executable, "-c", "import textual.app"]))
    bare = median(lambda: seconds_of([sys.executable, "-c", "pass"]))
    paint = median(first_paint)
    help_ = median(lambda: seconds_of(python("-m", "tui", "--help")))
    return [
        row(
            "exec to first paint | import textual.app", paint * 1000, textual * 1000, "ms", "<= 500 ms, ratio <= 1.5"
        ),
        row("longpipe --help | python -c pass", help_ * 1000, bare * 1000, "ms", "<= 80 ms"),
    ]


def main() -> None:
    if os.geteuid():
        raise SystemExit("this benchmark makes network namespaces: run it as root")
    print(f"{'what':<46} | {'longpipe':<12} | {'peer':<12} | ratio  | goal")
    print("\n".join([*starting(), *slow_terminal()]))


if __name__ == "__main__":
    main()
