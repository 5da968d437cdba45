"""Without a terminal: one line for each path every few seconds, for a log, a pipe or a cron mail."""

import signal
import time
from collections.abc import Iterator
from datetime import datetime
from types import FrameType

from analysis.path_names import path_names, trouble
from analysis.text import Sentence
from analysis.units import milliseconds, percent
from analysis.view import Lens, PathRow, View
from tui.cli import Exit
from tui.feed import Feed
from tui.service_text import port_lines, service_line
from tui.severity import word
from tui.text import _, tell
from tui.widgets.clean import clean


def run(feed: Feed, *, every_s: float, count: int | None = None) -> int:
    """Print a summary of `feed` every `every_s` seconds, `count` times or until interrupted.

    Returns Exit.OK, or Exit.DEGRADED where the last verdict was a warning or worse. The feed is closed at the end.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    view = None
    try:
        for _summary in _summaries(every_s, count):
            feed.poll(every_s)
            view = feed.player.timeline.view(Lens())
            print("\n".join(lines(view)), flush=True)
    finally:
        feed.close()
    return Exit.DEGRADED if view and view.verdict.severity in ("warn", "bad") else Exit.OK


def lines(view: View) -> list[str]:
    """Return a view as text: the verdict, the paths and the names in trouble, a line each with its local time."""
    at = datetime.fromtimestamp(view.at_ns / 1e9).astimezone().isoformat(timespec="seconds")
    texts = [f"{word(view.verdict.severity)} {tell(view.verdict.text)}", *_path_lines(view.paths)]
    texts += [tell(said) for said in map(trouble, view.names) if said is not None]
    texts += [*map(service_line, view.services), *(line for host in view.ports for line in port_lines(host))]
    return [f"{at} {clean(text)}" for text in texts]


def _path_lines(paths: tuple[PathRow, ...]) -> Iterator[str]:
    """Yield each path over the scoring window."""
    names = path_names(paths)
    for path in paths:
        name = names[path.id]
        yield _path_line(path, tell(name) if isinstance(name, Sentence) else name)


def _path_line(path: PathRow, name: str) -> str:
    window = path.window
    text = _(
        "{name}: sent {sent}, lost {loss}, rtt p50 {p50} ms, p99 {p99} ms",
        name=name,
        sent=window.sent,
        loss=percent(window.loss_ratio),
        p50=milliseconds(window.p50_us),
        p99=milliseconds(window.p99_us),
    )
    return f"{text} ({tell(path.problem)})" if path.problem else text


def _summaries(every_s: float, count: int | None) -> Iterator[int]:
    """Yield 1, 2, … up to `count`, one each `every_s` seconds, without drift."""
    started = time.monotonic()
    done = 0
    while count is None or done < count:
        done += 1
        time.sleep(max(0.0, started + done * every_s - time.monotonic()))
        yield done


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End as Ctrl+C does, so that everything is closed."""
    raise KeyboardInterrupt
