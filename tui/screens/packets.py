"""The packets of a capture around the cursor: PSNs as a picture, a list, and one packet in full on Enter."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from analysis.view import View
from collectors.pcapfile.replay import PacketRow, frame
from tui.panes.packets import COLUMNS, packet_cells, psn_rows
from tui.screens.detail import Detail, DetailScreen
from tui.text import N_, _
from tui.widgets.clean import clean
from tui.widgets.columns import Column
from tui.widgets.lines import Lines
from tui.widgets.runs import Glyphs, Row
from tui.widgets.table import Table
from tui.widgets.wrap import wrap_rows


class PacketsScreen(ModalScreen[None]):
    """A list of packets; nothing of it is kept."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", N_("close"))]

    def __init__(self, path: Path, packets: Sequence[PacketRow], glyphs: Glyphs, view: View) -> None:
        super().__init__()
        self._view = view
        self._path = path
        self._packets = packets
        self._glyphs: Glyphs = glyphs

    def compose(self) -> ComposeResult:
        """Make the picture and the list."""
        columns = [Column(_(c.title), c.width, c.flex, c.align, c.priority) for c in COLUMNS]
        with Vertical(id="packets") as frame_:
            frame_.border_title = _("{n} packets of {file}", n=len(self._packets), file=clean(self._path.name))
            yield Lines(id="psn")
            yield Table(columns, empty=_("No RoCE packet in this second."), glyphs=self._glyphs, id="packet-list")

    def on_resize(self) -> None:
        """Draw for the new size, the first one too."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        picture = self.query_one("#psn", Lines)
        rows = psn_rows(self._packets, picture.size.width, max(3, self.size.height // 3), self._glyphs)
        picture.styles.height = len(rows)
        picture.show(rows)
        start_ns = self._packets[0].t_ns if self._packets else 0
        table = self.query_one("#packet-list", Table)
        table.show_rows([packet_cells(packet, start_ns) for packet in self._packets])
        table.focus()

    @on(Table.RowSelected, "#packet-list")
    def _open(self, event: Table.RowSelected) -> None:
        rows = tuple(_dissected(self._path, int(event.key)))
        title = _("packet {number}", number=event.key)
        self.app.push_screen(DetailScreen(lambda _view, _width: Detail(title, rows), self._view))


def _dissected(path: Path, number: int) -> list[Row]:
    """Return one packet's layers, every field named."""
    from collectors.dissect import dissect

    record = frame(path, number)
    if record is None:
        return wrap_rows(_("The file holds this packet no more."), 60, "warn")
    rows: list[Row] = []
    for layer in dissect(record.data, record.link, record.length):
        rows.append(((clean(layer.name), "head"),))
        rows += [((f"  {clean(field.name):<20} ", "dim"), (clean(field.value), "plain")) for field in layer.fields]
    return rows
