"""Takes the picture of an application's screen: the one that runs, or one that runs without a terminal for it."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from textual.app import App
from textual.pilot import Pilot

from tui.picture.svg import picture, plain_rows
from tui.widgets.clean import clean

Steps = Callable[[Pilot[Any]], Awaitable[None]]
SIZE: Final = (120, 36)


def screen_svg(app: App[Any], title: str) -> str:
    """Return what `app` shows now, pages over the dashboard included."""
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    rows = plain_rows(
        ((segment.text, segment.style) for strip in line for segment in strip) for line in _strips(update)
    )
    return picture(rows, app.size.width, clean(title))


def _strips(update: Any) -> list[list[Any]]:  # noqa: ANN401 - Textual's own type is private
    return [list(line) for line in update.strips]


async def headless_svg(app: App[Any], title: str, steps: Steps, size: tuple[int, int] = SIZE) -> str:
    """Run `app` without a terminal, do `steps` in it, and return what it shows then."""
    taken: list[str] = []

    async def take(pilot: Pilot[Any]) -> None:
        await steps(pilot)
        taken.append(screen_svg(app, title))
        app.exit()

    await app.run_async(headless=True, size=size, auto_pilot=take)
    return taken[0]
