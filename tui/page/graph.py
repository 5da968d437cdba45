"""One path over time as SVG: latency from the least to the 99th percentile, the median, loss, epochs and marks."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from analysis.buckets import Bucket
from analysis.units import percent
from analysis.view import Graph
from tui.page.ticks import ticks
from tui.text import _, tell
from tui.widgets.clean import clean
from tui.widgets.scale import ceiling_above, label, usual_peak

WIDTH: Final = 960
LEFT: Final = 44
RIGHT: Final = WIDTH - 6
TOP: Final = 8
PLOT: Final = 120
"""Height of the latency plot."""
GAP: Final = 8
LOSS: Final = 26
"""Height of the strip of losses, 100 % at the full height."""
LEAST: Final = 3.0
"""A loss is never drawn lower than this: one lost probe of a thousand is to be seen."""
HEIGHT: Final = TOP + PLOT + GAP + LOSS + 18
_FLOOR: Final = TOP + PLOT
_BOTTOM: Final = _FLOOR + GAP + LOSS


def graph_svg(graph: Graph, title: str) -> str:
    """Return the graph; `title` is what a screen reader says. Nothing answered is a gap, never a zero."""
    answered = [bucket for bucket in graph.buckets if bucket.p50_us is not None]
    peak = usual_peak(
        [bucket.p50_us / 1000 for bucket in answered if bucket.p50_us is not None],
        [(bucket.p99_us or bucket.p50_us or 0) / 1000 for bucket in answered],
    )
    ceiling = ceiling_above(peak)
    heights = (0.0, ceiling / 2, ceiling) if answered else ()
    parts = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{escape(title)}</title>',
        *_axes(graph, ceiling, heights),
        *_latency(graph, ceiling),
        *_losses(graph),
        *_moments(graph),
        "</svg>",
    )
    return "".join(parts)


def _x(graph: Graph, t_ns: float) -> float:
    share = (t_ns - graph.start_ns) / max(1, graph.end_ns - graph.start_ns)
    return LEFT + (RIGHT - LEFT) * min(1.0, max(0.0, share))


def _y(us: float, ceiling: float) -> float:
    return _FLOOR - PLOT * min(1.0, us / 1000 / ceiling)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _axes(graph: Graph, ceiling: float, heights: Sequence[float]) -> Iterator[str]:
    """Yield the grid; `heights` in ms are labelled, none of them where nothing was measured."""
    for value in heights:
        y = _n(_y(value * 1000, ceiling))
        yield f'<path class="grid" d="M{LEFT} {y}H{RIGHT}"/>'
        yield f'<text x="{LEFT - 5}" y="{float(y) + 4:g}" text-anchor="end">{label(value)}</text>'
    yield f'<text x="{LEFT - 5}" y="{TOP + PLOT / 4:g}" text-anchor="end">ms</text>'
    yield f'<path class="grid" d="M{LEFT} {_BOTTOM}H{RIGHT}"/>'
    yield f'<text x="{LEFT - 5}" y="{_BOTTOM - 8}" text-anchor="end">{escape(_("loss"))}</text>'
    for at, text in ticks(graph.start_ns, graph.end_ns):
        x = _x(graph, at)
        anchor = "end" if x > RIGHT - 20 else "start" if x < LEFT + 20 else "middle"
        yield f'<path class="grid" d="M{_n(x)} {TOP}V{_BOTTOM}"/>'
        yield f'<text x="{_n(x)}" y="{HEIGHT - 4}" text-anchor="{anchor}">{text}</text>'


def _runs(buckets: Sequence[Bucket]) -> Iterator[list[Bucket]]:
    """Yield neighbours that were answered: between them the line is broken."""
    run: list[Bucket] = []
    for bucket in buckets:
        if bucket.p50_us is not None:
            run.append(bucket)
        elif run and (bucket.settled or bucket.failed or not _sparse(run[-1], bucket)):
            yield run
            run = []
    if run:
        yield run


def _sparse(last: Bucket, empty: Bucket) -> bool:
    """Return whether a column is empty only because probes are rarer than columns."""
    return empty.start_ns - last.start_ns < 2 * last.step_ns


def _middle(bucket: Bucket) -> float:
    return bucket.start_ns + bucket.step_ns / 2


def _latency(graph: Graph, ceiling: float) -> Iterator[str]:
    for run in _runs(graph.buckets):
        xs = [_n(_x(graph, _middle(bucket))) for bucket in run]
        if len(run) == 1:
            yield f'<circle class="dot" cx="{xs[0]}" cy="{_n(_y(run[0].p50_us or 0, ceiling))}" r="1.5"/>'
            continue
        tops = [_n(_y(bucket.p99_us or bucket.p50_us or 0, ceiling)) for bucket in run]
        lows = [_n(_y(bucket.min_us or 0, ceiling)) for bucket in run]
        if tops != lows:
            there = "L".join(f"{x} {y}" for x, y in zip(xs, tops, strict=True))
            back = "L".join(f"{x} {y}" for x, y in zip(xs[::-1], lows[::-1], strict=True))
            yield f'<path class="band" d="M{there}L{back}z"/>'
        middle = "L".join(f"{x} {_n(_y(bucket.p50_us or 0, ceiling))}" for x, bucket in zip(xs, run, strict=True))
        yield f'<path class="mid" d="M{middle}"/>'
    over = (bucket for bucket in graph.buckets if (bucket.p99_us or 0) / 1000 > ceiling)
    above = "".join(f"M{_n(_x(graph, _middle(bucket)))} {TOP - 6}l3 5h-6z" for bucket in over)
    if above:
        yield f'<path class="over" d="{above}"><title>{escape(_("higher than the axis"))}</title></path>'


def _losses(graph: Graph) -> Iterator[str]:
    """Yield the strip of losses: one path for all bars, as a day may have many."""
    lossy = [bucket for bucket in graph.buckets if bucket.lost]
    if lossy:
        lost, settled = sum(b.lost for b in graph.buckets), sum(b.settled for b in graph.buckets)
        text = escape(_("{lost} of {n} lost ({loss})", lost=lost, n=settled, loss=percent(lost / settled)))
        heights = (max(LEAST, LOSS * (bucket.loss_ratio or 0)) for bucket in lossy)
        bars = "".join(_bar(graph, bucket, height) for bucket, height in zip(lossy, heights, strict=True))
        yield f'<path class="lost" d="{bars}"><title>{text}</title></path>'
    unsent = "".join(_bar(graph, bucket, 2) for bucket in graph.buckets if bucket.failed and not bucket.lost)
    if unsent:
        yield f'<path class="fail" d="{unsent}"><title>{escape(_("not sent"))}</title></path>'


def _bar(graph: Graph, bucket: Bucket, height: float) -> str:
    x = _x(graph, bucket.start_ns)
    width = max(1.0, _x(graph, bucket.start_ns + bucket.step_ns) - x)
    return f"M{_n(x)} {_BOTTOM}v-{_n(height)}h{_n(width)}V{_BOTTOM}z"


def _moments(graph: Graph) -> Iterator[str]:
    for t_ns in graph.epochs:
        x = _n(_x(graph, t_ns))
        name = escape(_("new address or route"))
        yield f'<path class="epoch" d="M{x} {TOP}V{_BOTTOM}"><title>{name}</title></path>'
    for event in graph.events:
        x = _n(_x(graph, event.t))
        kind = "mark" if event.kind == "mark" else "epoch"
        flag = f'<path class="flag" d="M{x} {TOP}l7 3.5l-7 3.5z"/>' if kind == "mark" else ""
        yield (
            f'<g><path class="{kind}" d="M{x} {TOP}V{_BOTTOM}"/>{flag}'
            f"<title>{escape(clean(tell(event.text)))}</title></g>"
        )
