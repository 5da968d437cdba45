"""What an app shows, as rows of text, for assertions and text snapshots."""

from textual.app import App


def rows(app: App) -> list[str]:
    """Return the screen row by row, trailing blanks cut."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def text(app: App) -> str:
    """Return the screen as one string."""
    return "\n".join(rows(app))
