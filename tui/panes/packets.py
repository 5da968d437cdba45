"""Packets of a capture: one row each, and PSNs over time as a picture, in which a go-back-N is a step back."""

from collections.abc import Sequence
from typing import Final

from analysis.roce import opcodes
from analysis.units import milliseconds
from collectors.pcapfile.replay import PacketRow
from tui.panes.flows import short_host
from tui.text import N_
from tui.widgets.canvas import Ascii, Braille, Canvas
from tui.widgets.clean import clean
from tui.widgets.columns import Column, TableRow
from tui.widgets.runs import Glyphs, Role, Row

COLUMNS: Final = (
    Column(N_("number"), 8, align="right"),
    Column(N_("ms"), 9, align="right"),
    Column(N_("from→to"), 10, flex=1, priority=2),
    Column(N_("QP"), 8, priority=1),
    Column(N_("operation"), 18, flex=2),
    Column(N_("PSN"), 8, align="right"),
    Column(N_("bytes"), 6, align="right", priority=3),
)
_HALF: Final = 1 << 23
_ACK: Final = 0x11


def packet_cells(packet: PacketRow, start_ns: int) -> TableRow:
    """Return one packet's line; its time counts from `start_ns`."""
    name = opcodes.name(packet.opcode)
    role: Role = "plain"
    if packet.syndrome >= 0 and packet.syndrome & 0x60:
        name, role = f"{name}: {opcodes.syndrome_name(packet.syndrome)}", "bad"
    elif packet.tos >= 0 and packet.tos & 3 == 3:
        name, role = f"{name} CE", "warn"
    return TableRow(
        str(packet.number),
        (
            (str(packet.number), "dim"),
            (milliseconds((packet.t_ns - start_ns) / 1000), "dim"),
            (clean(f"{short_host(packet.src)}→{short_host(packet.dst)}"), "dim"),
            (f"0x{packet.dest_qpn:06x}", "dim"),
            (name, role),
            (str(packet.psn), "plain"),
            (str(packet.length), "dim"),
        ),
    )


def psn_rows(packets: Sequence[PacketRow], width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """Return the PSNs of the busiest destination QP over time, rising; ACKs and NAKs are left out."""
    data = [packet for packet in packets if packet.opcode & 0x1F != _ACK and packet.dest_qpn > 1]
    if len(data) < 2 or width < 20 or height < 2:
        return []
    counts: dict[tuple[str, int], int] = {}
    for packet in data:
        key = packet.dst, packet.dest_qpn
        counts[key] = counts.get(key, 0) + 1
    busiest = max(counts, key=lambda key: counts[key])
    points = [(packet.t_ns, packet.psn) for packet in data if (packet.dst, packet.dest_qpn) == busiest]
    first = points[0][1]
    steps = [(t_ns, (psn - first + _HALF) % (1 << 24) - _HALF) for t_ns, psn in points]
    return _picture(steps, first, width, height, glyphs)


def _picture(steps: Sequence[tuple[int, int]], first: int, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    low, high = min(step for _t, step in steps), max(step for _t, step in steps)
    labels = (str((first + high) % (1 << 24)), str((first + low) % (1 << 24)))
    margin = max(map(len, labels)) + 1
    canvas: Canvas = (Braille if glyphs == "unicode" else Ascii)(width - margin, height)
    across, up = (width - margin) * canvas.across - 1, height * canvas.up - 1
    start, end = steps[0][0], max(t_ns for t_ns, _step in steps)
    for t_ns, step in steps:
        x = round((t_ns - start) / max(1, end - start) * across)
        canvas.dot(max(0, min(x, across)), round((step - low) / max(1, high - low) * up))
    rows = canvas.rows()
    heads = [labels[0], *[""] * (height - 2), labels[1]]
    bar = "│" if glyphs == "unicode" else "|"
    return [((head.rjust(margin - 1) + bar, "dim"), (text, "accent")) for head, text in zip(heads, rows, strict=True)]
