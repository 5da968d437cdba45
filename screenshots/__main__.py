"""`make screenshots`: draw the screens listed below and write them here as SVG, and as PNG where rsvg-convert is."""

import argparse
import asyncio
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from textual.pilot import Pilot

from analysis.settings import Settings
from collectors.session.sources import Source, open_sources
from tui.app import LongpipeApp
from tui.live import TOOL
from tui.picture.capture import headless_svg
from tui.picture.png import png
from tui.picture.session import drawn
from tui.replay import ReplayFeed
from tui.text import Language, use_language

HERE = Path(__file__).parent
ROOT = HERE.parent
DEMO = ROOT / "collectors/data/demo.lps"
WIDE, USUAL, SMALL = (120, 36), (80, 24), (60, 16)


class Shot(NamedTuple):
    """One picture: which keys lead there, at what share of the session, in what size and language."""

    name: str
    keys: tuple[str, ...] = ()
    size: tuple[int, int] = WIDE
    at: float = 1.0
    language: Language = "en"


SHOTS = (
    Shot("dashboard"),
    Shot("dashboard-80x24", size=USUAL),
    Shot("dashboard-60x16", size=SMALL),
    Shot("dashboard-zh_CN", language="zh_CN"),
    Shot("rewound", at=0.55),
    Shot("evidence", ("e",)),
    Shot("path", ("down", "enter")),
    Shot("route", ("2", "enter")),
    Shot("roce", ("3", "z")),
    Shot("advice", ("4", "enter")),
    Shot("events", ("v",)),
    Shot("help", ("question_mark",)),
)


def main() -> None:
    """Draw every picture, or those named."""
    parser = argparse.ArgumentParser(prog="python -m screenshots")
    parser.add_argument("names", nargs="*", help="pictures to draw; without any, all of them")
    parser.add_argument("--session", type=Path, help="recorded session to show")
    parser.add_argument("--to", type=Path, default=HERE, help="directory to write to")
    args = parser.parse_args()
    source = open_sources([args.session or sample()], TOOL)[0]
    args.to.mkdir(parents=True, exist_ok=True)
    for shot in SHOTS:
        if not args.names or shot.name in args.names:
            svg = draw(source, shot)
            (args.to / f"{shot.name}.svg").write_text(svg, encoding="utf-8")
            if shutil.which("rsvg-convert"):
                (args.to / f"{shot.name}.png").write_bytes(png(svg))
            print(shot.name)


def sample() -> Path:
    """Return the session that ships in the package, or a made-up one where there is none yet."""
    if DEMO.exists():
        return DEMO
    from screenshots.made_up import write

    return write()


def draw(source: Source, shot: Shot) -> str:
    """Return one picture."""
    use_language(shot.language)
    settings = Settings(language=shot.language)
    feed = ReplayFeed([source], settings)
    feed.settle()
    first, last = source.store.span() or (0, 0)
    if shot.at < 1:
        feed.player.seek(int(first + (last - first) * shot.at))
    else:
        feed.player.end()

    async def steps(pilot: Pilot[Any]) -> None:
        await drawn(pilot)
        for key in shot.keys:
            await pilot.press(key)
            await pilot.pause()
        await drawn(pilot)

    app = LongpipeApp(lambda: feed, settings, "unicode")
    return asyncio.run(headless_svg(app, f"longpipe · {feed.host}", steps, shot.size))


if __name__ == "__main__":
    main()
