"""One thing in full, over the dashboard: rows of text that are kept up to date while they are read."""

from collections.abc import Callable
from typing import ClassVar, TypeAlias

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from analysis.view import View
from tui.text import N_, _
from tui.widgets.lines import Lines
from tui.widgets.runs import Row


class Detail(msgspec.Struct, frozen=True):
    """What a detail screen shows."""

    title: str
    rows: tuple[Row, ...]


MakeDetail: TypeAlias = Callable[[View, int], Detail]
"""From a view and a width in cells."""


class DetailScreen(ModalScreen[None]):
    """A framed, scrollable page. Esc, q or Enter close it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", N_("close")),
        Binding("up,k", "scroll('up')", N_("up"), show=False),
        Binding("down,j", "scroll('down')", N_("down"), show=False),
        Binding("pageup", "scroll('page_up')", N_("page up"), show=False),
        Binding("pagedown", "scroll('page_down')", N_("page down"), show=False),
        Binding("home,g", "scroll('home')", N_("top"), show=False),
        Binding("end", "scroll('end')", N_("bottom"), show=False),
    ]

    def __init__(self, make: MakeDetail, view: View) -> None:
        super().__init__()
        self._make = make
        self._view = view

    def compose(self) -> ComposeResult:
        """Make the page."""
        with VerticalScroll(id="detail"):
            yield Lines(id="detail-rows")

    def show(self, view: View) -> None:
        """Write the page anew from a view."""
        self._view = view
        page = self.query_one("#detail", VerticalScroll)
        detail = self._make(view, max(20, page.scrollable_content_region.width))
        page.border_title = detail.title
        page.border_subtitle = _("Esc closes")
        lines = self.query_one("#detail-rows", Lines)
        lines.styles.height = len(detail.rows)
        lines.show(detail.rows)

    def on_resize(self) -> None:
        """Write for the new size, the first one too."""
        self.call_after_refresh(lambda: self.show(self._view))

    def action_scroll(self, where: str) -> None:
        """Scroll the page."""
        getattr(
            self.query_one("#detail"), f"action_scroll_{where}" if where in {"home", "end"} else f"scroll_{where}"
        )()

    async def action_dismiss(self, result: None = None) -> None:
        """Close the page."""
        self.dismiss(result)
