"""RoCE: what is captured of it, flow by flow, and the RDMA ports' counters; or why there is nothing to see."""

from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.message import Message

from analysis.roce.merge import FlowKey
from analysis.severity import GRAVITY
from analysis.units import bits_per_s, per_second
from analysis.view import RdmaRow, RoceRow, View
from tui.counter_names import CONGESTION, TROUBLE, plain_name
from tui.panes.base import Pane
from tui.panes.flows import flow_cells, flow_key, flow_strips
from tui.severity import judged_rows
from tui.text import N_, _, tell
from tui.widgets.clean import clean
from tui.widgets.columns import Column, TableRow
from tui.widgets.lines import Lines
from tui.widgets.runs import Role, Row
from tui.widgets.table import Table
from tui.widgets.wrap import wrap_rows

PORTS: Final = (
    Column(N_("device"), 8, flex=1),
    Column(N_("netdev"), 6, flex=1, priority=3),
    Column(N_("state"), 6),
    Column(N_("rate"), 5, align="right", priority=2),
    Column(N_("rx"), 9, align="right"),
    Column(N_("tx"), 9, align="right"),
    Column(N_("trouble"), 8, align="right", priority=1),
)
FLOWS: Final = (
    Column(N_("flow"), 14, flex=3),
    Column(N_("kind"), 7, priority=2),
    Column(N_("b/s"), 9, align="right"),
    Column(N_("resent"), 6, align="right"),
    Column(N_("NAK"), 4, align="right", priority=1),
    Column(N_("RNR"), 4, align="right", priority=4),
    Column(N_("CE"), 4, align="right", priority=3),
    Column(N_("rtt"), 6, align="right", priority=1),
)


class RocePane(Pane):
    """The third pane."""

    number: ClassVar = 3
    heading: ClassVar = N_("RoCE")
    _view: View | None = None

    class FlowHighlighted(Message):
        """Another flow's timeline is wanted."""

        def __init__(self, flow: tuple[str, FlowKey]) -> None:
            super().__init__()
            self.flow = flow

    def compose(self) -> ComposeResult:
        """Make the verdict, the tables and the lines under them."""
        yield Lines(id="roce-verdict")
        yield Table([_titled(column) for column in FLOWS], glyphs=self.glyphs, id="flows")
        yield Table([_titled(column) for column in PORTS], glyphs=self.glyphs, id="ports")
        yield Lines(id="counters")

    def show(self, view: View) -> None:
        """Draw flows where there are any, else the ports and their counters."""
        self._view = view
        captured = [row for row in view.roce if row.report.roce_packets]
        self.query_one("#flows").display = bool(captured)
        self.query_one("#ports").display = bool(view.rdma) and not captured
        width = max(20, self.content_size.width)
        rows = verdict_rows(view, width, self)
        verdict = self.query_one("#roce-verdict", Lines)
        verdict.styles.height = len(rows)
        verdict.show(rows)
        if captured:
            self._show_flows(view, captured)
        else:
            self._show_ports(view, width)

    def _show_flows(self, view: View, captured: list[RoceRow]) -> None:
        table = self.query_one("#flows", Table)
        table.show_rows([flow_cells(row, index) for row in captured for index in range(len(row.report.flows))])
        count = sum(len(row.report.flows) for row in captured)
        table.styles.height = min(count + 1, max(4, self.content_size.height // 2))
        lines = self.query_one("#counters", Lines)
        strips = flow_strips(view, max(20, self.content_size.width), self.glyphs)
        lines.show([*strips, *(line for port in view.rdma for line in counter_rows(port, view))])

    def _show_ports(self, view: View, width: int) -> None:
        lines = self.query_one("#counters", Lines)
        if not view.rdma:
            lines.show(absent_rows(view, width))
            return
        table = self.query_one("#ports", Table)
        table.show_rows([port_cells(row) for row in view.rdma])
        table.styles.height = min(len(view.rdma) + 1, max(3, self.content_size.height // 2))
        chosen = next((row for row in view.rdma if port_key(row) == table.cursor_key), view.rdma[0])
        lines.show(counter_rows(chosen, view))

    @on(Table.RowHighlighted, "#flows")
    def _highlighted(self, event: Table.RowHighlighted) -> None:
        if self._view is not None and (flow := flow_key(self._view, event.key)) is not None:
            self.post_message(self.FlowHighlighted(flow))


def _titled(column: Column) -> Column:
    return Column(_(column.title), column.width, column.flex, column.align, column.priority)


def verdict_rows(view: View, width: int, pane: Pane) -> list[Row]:
    """Return the gravest verdict on captures and counters, over at most two rows; nothing where there is none."""
    found = [(row.verdict.severity, row.verdict.text) for row in view.roce]
    found += [(verdict.severity, verdict.text) for verdict in view.counted.rdma]
    worst = max(found, key=lambda one: GRAVITY[one[0]], default=None)
    told = [health.problem for health in view.health if health.collector.startswith("roce") and health.problem]
    said = [row for sentence in told for row in wrap_rows(tell(sentence), width, "warn")]
    if worst is None:
        return said
    rows = judged_rows(*worst, pane.glyphs, width)[:2]
    if dropped := sum(row.dropped for row in view.roce):
        rows += wrap_rows(_("The kernel dropped {n} packets of this capture.", n=dropped), width, "warn")
    return [*rows, *said]


def port_key(row: RdmaRow) -> str:
    """Return the name of a port: device and number."""
    return f"{row.port.device}/{row.port.port}"


def absent_rows(view: View, width: int) -> list[Row]:
    """Return the plain sentence why there is nothing and what to run."""
    if view.rdma_absent is None and view.roce:
        return []  # a capture by itself, which tells nothing of devices
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


def _role(counter: str) -> Role:
    if counter in CONGESTION:
        return "warn"
    return "bad" if counter in TROUBLE else "dim"


def counter_rows(row: RdmaRow, view: View) -> list[Row]:
    """Return the counters of a port and its card that move, trouble first, then the totals of those that once did."""
    rates = row.rates | view.nics.get(row.port.netdev or "", {})
    moving = sorted(
        ((name, rate) for name, rate in rates.items() if rate > 0),
        key=lambda item: (item[0] not in TROUBLE, -item[1]),
    )
    rows: list[Row] = [
        ((f"{per_second(rate):>9}  ", "plain"), (plain_name(name), _role(name))) for name, rate in moving
    ]
    totals = [(name, total) for name, total in row.port.counters.items() if name in TROUBLE and total]
    rows += [
        ((f"{total:>9}  ", "dim"), (_("{what}, in all", what=plain_name(name)), "dim"))
        for name, total in totals
        if not row.rates.get(name)
    ]
    return rows or [((_("No counter of this port is moving."), "dim"),)]
