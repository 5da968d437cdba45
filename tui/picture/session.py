"""A picture of the dashboard on a recorded session."""

import asyncio
from typing import Any

from textual.pilot import Pilot

from analysis.settings import Settings
from collectors.session.filestore import FileStore
from collectors.session.sources import Source
from tui.app import LongpipeApp
from tui.picture.capture import headless_svg
from tui.replay import ReplayFeed


def session_svg(store: FileStore, settings: Settings, at_ns: int | None, size: tuple[int, int]) -> str:
    """Return the dashboard at a time of a session, None for its end; `size` in cells."""
    host = store.files[0].header.host
    feed = ReplayFeed([Source(host, store)], settings)
    feed.settle()
    if at_ns is None:
        feed.player.end()
    else:
        feed.player.seek(at_ns)
    app = LongpipeApp(lambda: feed, settings, "unicode")
    return asyncio.run(headless_svg(app, f"longpipe · {host}", drawn, size))


async def drawn(pilot: Pilot[Any]) -> None:
    """Wait until the dashboard stands, then draw it once more at its size."""
    app = pilot.app
    while not isinstance(app, LongpipeApp) or app.dashboard is None or app.dashboard.view is None:
        await pilot.pause()
    await pilot.pause()
    app.dashboard.draw()
    await pilot.pause()
