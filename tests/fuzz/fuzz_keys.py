"""Presses keys at random until the program ends with a traceback: python -m tests.fuzz.fuzz_keys [--seconds N]

Over a box that can be tuned, the shipped session and a capture, at many sizes, in both languages; the mouse clicks,
the terminal changes its size. It fails on any exception, and prints what was pressed.
"""

import asyncio
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from textual.pilot import OutOfBounds, Pilot

from analysis.settings import Settings
from collectors.session.sources import open_sources
from tests.fuzz.rounds import run
from tests.tui.fake_box import FakeBox, life
from tests.tui.feeds import CannedFeed, settle
from tui.actions import DASHBOARD, WIZARD
from tui.app import LongpipeApp
from tui.replay import ReplayFeed
from tui.text import use_language

ROOT = Path(__file__).parents[2]
RECORDED = (ROOT / "collectors/data/demo.lps", ROOT / "tests/fixtures/captures/ecn_netem.pcap")
SIZES = ((120, 36), (80, 24), (60, 16), (200, 60), (30, 8), (1, 1))
KEYS = (
    *(key for action in (*DASHBOARD, *WIZARD) if action.name != "app.quit" for key in action.keys.split(",")),
    *("enter", "enter", "escape", "escape", "up", "down", "pageup", "pagedown", "ctrl+p", "ctrl+c"),
)
WORDS = ("-5m", "14:02", "yesterday 23:10", "-5m..-1m", "10.0", "eth0", "apply", "keep", "[b]x", "中文")
NAMED = {
    " ": "space",
    "-": "minus",
    ":": "colon",
    ".": "full_stop",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
}


def app_of(dice: random.Random) -> LongpipeApp:
    glyphs = dice.choice(("unicode", "ascii"))
    if dice.randrange(2):
        return LongpipeApp(lambda: CannedFeed(life()), Settings(), glyphs, FakeBox)
    feed = ReplayFeed(open_sources(dice.choice((RECORDED[:1], RECORDED[1:], RECORDED))), Settings())
    return LongpipeApp(lambda: feed, Settings(), glyphs)


async def press(pilot: Pilot[int], dice: random.Random, log: list[str]) -> None:
    """Do one thing."""
    match dice.randrange(16):
        case 0:
            size = dice.choice(SIZES)
            log.append(f"resize {size}")
            await pilot.resize_terminal(*size)
        case 1:
            place = dice.randrange(pilot.app.size.width), dice.randrange(pilot.app.size.height)
            log.append(f"click {place}")
            try:
                await pilot.click(offset=place)
            except OutOfBounds:
                log.append("outside")
        case 2:
            word = dice.choice(WORDS)
            log.append(f"type {word}")
            await pilot.press(*(NAMED.get(letter, letter) for letter in word))
        case _:
            key = dice.choice(KEYS)
            log.append(key)
            await pilot.press(key)


async def one(dice: random.Random, log: list[str]) -> None:
    """Work one program until it is left, or for a while. Raises what ended it."""
    use_language(dice.choice(("en", "zh_CN")))
    app = app_of(dice)
    async with app.run_test(size=dice.choice(SIZES)) as pilot:
        await settle(pilot)
        for _ in range(dice.randrange(20, 120)):
            if not app.is_running:
                break
            await press(pilot, dice, log)
    app.terminal_gone()


@contextmanager
def elsewhere() -> Iterator[None]:
    """Let pictures of the screen be saved where they are thrown away, and the language be as before."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
            use_language("en")


def round_of(seed: int) -> Callable[[int], None]:
    def one_round(number: int) -> None:
        log: list[str] = []
        with elsewhere():
            try:
                asyncio.run(one(random.Random(f"{seed} {number}"), log))
            except Exception:
                print(", ".join(log), file=sys.stderr)
                raise

    return one_round


if __name__ == "__main__":
    sys.exit(run(__doc__, "runs", round_of))
