"""A small dashboard for pty tests and benchmarks: two graphs and two tables, fed once a second with made-up numbers.

    python -m tests.tui.demo_app [--hz N] [--quiet]

Prints what drawing cost as JSON on standard output when it ends. `--quiet`: the numbers never change.
"""

import argparse
import json
import random
import sys
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Grid
from textual.widgets import Static

from analysis.buckets import Bucket
from tui.output.app import TerminalApp
from tui.widgets.columns import Column, TableRow
from tui.widgets.graph import GraphData, TimeGraph
from tui.widgets.runs import Role
from tui.widgets.table import Table

SECOND = 1_000_000_000


class Demo(TerminalApp[None]):
    CSS = """
    Grid { grid-size: 2 2; }
    .pane { border: round $primary; }
    #line { height: 1; }
    """
    BINDINGS = [("q", "quit", "quit")]  # noqa: RUF012 - Textual's idiom

    def __init__(self, hz: float, quiet: bool, ending: Path | None) -> None:
        super().__init__()
        self.hz = hz
        self.quiet = quiet
        self.ending = ending
        self.chance = random.Random(1)
        self.now = 600
        self.rtt = [60_000 + self.chance.randrange(4000) for _ in range(600)]

    def compose(self) -> ComposeResult:
        yield Static("demo starting", id="line", markup=False)
        with Grid():
            for name in ("one", "two"):
                yield TimeGraph(id=name, classes="pane")
            for name in ("routes", "flows"):
                yield Table(COLUMNS, id=name, classes="pane")

    def on_ready(self) -> None:
        self.step()
        self.query_one("#line", Static).update(f"demo ready, cell diff {self.output_stats.cell_diff}")
        self.set_interval(1 / self.hz, self.step)

    def step(self) -> None:
        if not self.quiet or self.now == 600:
            self.now += 1
            self.rtt.append(60_000 + self.chance.randrange(4000) + 40_000 * (self.chance.random() < 0.03))
        window = range(self.now - 240, self.now)
        for number, graph in enumerate(self.query(TimeGraph)):
            buckets = tuple(
                Bucket(i * SECOND, SECOND, 1, 1, min_us=t, p50_us=t, p99_us=t, max_us=t)
                for i in window
                for t in (self.rtt[i] * (number + 1),)
            )
            graph.show_data(
                GraphData(buckets, window.start * SECOND, self.now * SECOND, start_label="-4m", end_label="now")
            )
        for table in self.query(Table):
            table.show_rows([self.row(number) for number in range(10)])

    def row(self, number: int) -> TableRow:
        rtt = self.rtt[self.now - 1 - number] / 1000
        role: Role = "ok" if rtt < 90 else "bad"
        cells = (f"target-{number}", "plain"), (f"{rtt:.1f}", role), ("0.0%", "dim"), (str(self.now), "dim")
        return TableRow(str(number), cells)

    def terminal_gone(self) -> None:
        if self.ending:
            self.ending.write_text("gone")


COLUMNS = (
    Column("target", 10, flex=1),
    Column("rtt", 7, align="right"),
    Column("loss", 6, align="right"),
    Column("n", 6, align="right", priority=1),
)


def main() -> int:
    """Run until q, a signal or the end of the terminal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hz", type=float, default=1.0)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--ending", type=Path)
    chosen = parser.parse_args()
    app = Demo(chosen.hz, chosen.quiet, chosen.ending)
    app.run()
    if not app.return_code:
        stats = app.output_stats
        print(json.dumps({"bytes": stats.bytes_written, "frames": stats.frames, "skipped": stats.skipped}))
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
