"""RoCE: the RDMA ports of this box with their counters as rates, or why there is nothing to see."""

from typing import ClassVar, Final

from textual.app import ComposeResult

from analysis.units import bits_per_s, per_second
from analysis.view import RdmaRow, View
from tui.counter_names import TROUBLE, plain_name
from tui.panes.base import Pane
from tui.text import N_, _, tell
from tui.widgets.clean import clean
from tui.widgets.lines import Lines
from tui.widgets.runs import Role, Row
from tui.widgets.table import Column, Table, TableRow
from tui.widgets.wrap import wrap_rows

COLUMNS: Final = (
    Column(N_("device"), 8, flex=1),
    Column(N_("netdev"), 6, flex=1, priority=3),
    Column(N_("state"), 6),
    Column(N_("rate"), 5, align="right", priority=2),
    Column(N_("rx"), 9, align="right"),
    Column(N_("tx"), 9, align="right"),
    Column(N_("trouble"), 8, align="right", priority=1),
)


class RocePane(Pane):
    """The third pane."""

    number: ClassVar = 3
    heading: ClassVar = N_("RoCE")

    def compose(self) -> ComposeResult:
        """Make the table of ports and the list of counters that move."""
        columns = [Column(_(c.title), c.width, c.flex, c.align, c.priority) for c in COLUMNS]
        yield Table(columns, glyphs=self.glyphs, id="ports")
        yield Lines(id="counters")

    def show(self, view: View) -> None:
        """Draw the ports and the counters of the one under the cursor."""
        table = self.query_one("#ports", Table)
        counters = self.query_one("#counters", Lines)
        table.display = bool(view.rdma)
        if not view.rdma:
            counters.show(absent_rows(view, max(20, counters.size.width)))
            return
        table.show_rows([port_cells(row) for row in view.rdma])
        table.styles.height = min(len(view.rdma) + 1, max(3, self.content_size.height // 2))
        chosen = next((row for row in view.rdma if port_key(row) == table.cursor_key), view.rdma[0])
        counters.show(counter_rows(chosen))


def port_key(row: RdmaRow) -> str:
    """Return the name of a port: device and number."""
    return f"{row.port.device}/{row.port.port}"


def absent_rows(view: View, width: int) -> list[Row]:
    """Return the plain sentence why there is nothing and what to run."""
    if view.rdma_absent is None:
        return wrap_rows(_("RDMA devices have not been looked for yet."), width, "dim")
    return wrap_rows(tell(view.rdma_absent), width)


def port_cells(row: RdmaRow) -> TableRow:
    """Return one port's line of the table."""
    port = row.port
    trouble = sum(rate for name, rate in row.rates.items() if name in TROUBLE)
    state: Role = "ok" if port.state == "ACTIVE" else "warn"
    return TableRow(
        port_key(row),
        (
            (clean(port_key(row)), "plain"),
            (clean(port.netdev or "–"), "dim"),
            (clean(port.state.lower()), state),
            ("–" if port.rate_gbps is None else f"{port.rate_gbps:g}G", "dim"),
            (bits_per_s(row.rx_bps), "plain"),
            (bits_per_s(row.tx_bps), "plain"),
            (per_second(trouble) if row.rates else "–", "bad" if trouble else "dim"),
        ),
    )


def counter_rows(row: RdmaRow) -> list[Row]:
    """Return the counters that move, trouble first, then the totals of those that once did."""
    moving = sorted(
        ((name, rate) for name, rate in row.rates.items() if rate > 0),
        key=lambda item: (item[0] not in TROUBLE, -item[1]),
    )
    rows: list[Row] = [
        ((f"{per_second(rate):>9}  ", "plain"), (plain_name(name), "bad" if name in TROUBLE else "dim"))
        for name, rate in moving
    ]
    totals = [(name, total) for name, total in row.port.counters.items() if name in TROUBLE and total]
    rows += [
        ((f"{total:>9}  ", "dim"), (_("{what}, in all", what=plain_name(name)), "dim"))
        for name, total in totals
        if not row.rates.get(name)
    ]
    return rows or [((_("No counter of this port is moving."), "dim"),)]
