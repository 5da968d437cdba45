"""The HTML page: one file that opens anywhere, loads nothing, and shows hostile text as text."""

import base64
import hashlib
import random
import re
from html.parser import HTMLParser

import pytest

from analysis.buckets import Bucket
from analysis.events import Event
from analysis.samples import Mark, Outcome, Probes, Series
from analysis.text import Sentence
from analysis.view import Graph
from tests.samples import SECOND_NS, at, second, session
from tests.tui.reports import advised, healthy, lossy, seen_of
from tui.page.graph import graph_svg
from tui.page.page import page
from tui.page.ticks import MOST, ticks
from tui.text import use_language

VOID = {"meta", "link", "br", "img", "hr", "input", "base", "source", "embed"}


class Checked(HTMLParser):
    """Parses strictly: every tag is closed in order; collects what a browser would act on."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def hostile_page() -> str:
    name = "</title></style><script>alert(1)</script><img src=//evil.example onerror=x>\"'&"
    samples = [
        Series(at(0), 1, name, "192.0.2.1", route=name),
        Mark(at(1), name),
        *(second(n, 300 + n, series=(1,)) for n in range(1, 60)),
    ]
    return page(seen_of(samples, 0, 60, host=name))


def test_a_page_is_well_formed_and_loads_nothing() -> None:
    checked = Checked(page(lossy()))
    assert {"svg", "table", "style", "footer"} <= checked.tags
    assert not checked.tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "image", "use"}
    assert not [at for at in checked.attributes if at[1] in ("href", "src", "style", "srcset", "action")]
    assert not [at for at in checked.attributes if at[1].startswith("on")]
    assert not re.search(r"https?:|//[a-z]|url\(|@import", page(lossy()))


def test_the_policy_forbids_everything_but_the_page_s_own_style() -> None:
    html = page(healthy())
    sheet = html.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    policy = next(value for tag, name, value in Checked(html).attributes if name == "content" and "default" in value)
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_hostile_names_are_text_wherever_they_stand() -> None:
    checked = Checked(hostile_page())
    assert "script" not in checked.tags
    assert "img" not in checked.tags
    shown = "".join(checked.text)
    assert shown.count("<script>alert(1)</script>") >= 5
    assert not [at for at in checked.attributes if at[1] == "onerror"]


def test_the_page_speaks_chinese_and_says_so() -> None:
    use_language("zh_CN")
    try:
        html = page(lossy())
    finally:
        use_language("en")
    assert '<html lang="zh-CN">' in html
    Checked(html)


def test_advice_comes_with_evidence_change_and_the_way_back() -> None:
    shown = "".join(Checked(page(advised())).text)
    for part in (
        "T5 Use BBR",
        "cubic",
        "bbr",
        "to undo",
        "sysctl -w net.ipv4.tcp_congestion_control='cubic'",
        "Mathis",
    ):
        assert part in shown


def test_the_same_session_gives_the_same_page() -> None:
    assert page(lossy()) == page(lossy())


def test_a_day_of_many_unsteady_paths_stays_under_300_kb() -> None:
    chance, paths = random.Random(1), range(1, 31)
    samples = [Series(at(0), n, f"target-{n}.example", f"192.0.2.{n}") for n in paths]
    samples += [batch(n, chance, len(paths)) for n in range(30, 86400, 60)]
    html = page(seen_of(samples, 0, 86400))
    assert len(html.encode()) < 300_000
    assert html.count("<figure>") == 12
    assert "Drawn are the 12 worst of 30 paths." in html
    assert "target-30.example" in html


def batch(n: int, chance: random.Random, paths: int) -> Probes:
    rtts = [None if chance.random() < 0.1 else chance.randrange(20_000, 200_000) for _ in range(paths)]
    outcomes = tuple(Outcome.LOST if rtt is None else Outcome.ANSWERED for rtt in rtts)
    return Probes(at(n), tuple(range(1, paths + 1)), (500_000,) * paths, outcomes, tuple(rtts))


def graph(*rtts: int | None, events: tuple[Event, ...] = (), epochs: tuple[int, ...] = ()) -> Graph:
    buckets = tuple(
        Bucket(at(n), SECOND_NS, 1, 0, 0, 1)
        if us is None
        else Bucket(at(n), SECOND_NS, 1, 1, 0, 0, 0, us, us, us, us)
        for n, us in enumerate(rtts)
    )
    return Graph("x", at(0), at(len(rtts)), SECOND_NS, buckets, epochs, events)


def test_what_was_lost_is_a_gap_in_the_line_and_a_bar_with_its_count() -> None:
    svg = graph_svg(graph(*[20_000] * 5, None, *[20_000] * 5), "x")
    assert svg.count('class="mid"') == 2
    assert svg.count('class="lost"') == 1
    assert "1 of 11 lost (9.1%)" in svg


def test_a_column_without_probes_between_two_with_is_no_gap() -> None:
    full = graph(*[20_000] * 10)
    sparse = tuple(b if n % 2 == 0 else Bucket(b.start_ns, b.step_ns) for n, b in enumerate(full.buckets))
    svg = graph_svg(Graph("x", full.start_ns, full.end_ns, SECOND_NS, sparse), "x")
    assert svg.count('class="mid"') == 1


def test_one_late_reply_does_not_flatten_the_rest_and_is_marked() -> None:
    steady = graph(*[20_000] * 60)
    late = Bucket(at(30), SECOND_NS, 10, 10, 0, 0, 0, 20_000, 20_000, 3_000_000, 3_000_000)
    buckets = (*steady.buckets[:30], late, *steady.buckets[31:])
    svg = graph_svg(Graph("x", steady.start_ns, steady.end_ns, SECOND_NS, buckets), "x")
    assert ">20<" in svg or ">25<" in svg
    assert "higher than the axis" in svg


def test_marks_and_epochs_stand_where_they_happened_with_their_text() -> None:
    mark = Event(at(5), "mark", "notice", Sentence("Mark: <here>"))
    svg = graph_svg(graph(*[20_000] * 10, events=(mark,), epochs=(at(2),)), "x")
    assert "Mark: &lt;here&gt;" in svg
    assert 'class="epoch" d="M226 ' in svg
    assert 'class="mark" d="M499 ' in svg


@pytest.mark.parametrize("length_s", [1, 7, 60, 600, 3600, 86400, 7 * 86400, 400 * 86400])
def test_the_time_axis_has_few_round_times_in_order_and_inside(length_s: int) -> None:
    found = ticks(at(0), at(length_s))
    times = [time for time, _label in found]
    assert len(times) <= MOST + 1
    assert times == sorted(set(times))
    assert all(at(0) <= time <= at(length_s) for time in times)
    assert len({time % (times[1] - times[0]) for time in times[:2]}) <= 1 if len(times) > 1 else True


def test_a_graph_of_nothing_is_an_empty_frame() -> None:
    svg = graph_svg(Graph("x", at(0), at(60), SECOND_NS, ()), "x")
    assert "NaN" not in svg
    assert 'class="mid"' not in svg
    assert ">1</text>" not in svg, "numbers on its axis would look measured"


def test_a_session_in_which_nothing_was_probed_is_a_page_too() -> None:
    Checked(page(seen_of([], 0, 60)))


def test_the_families_of_one_gateway_are_told_apart() -> None:
    six = Series(at(0), 4, "gateway", "2001:db8::1", route="eth0 10.0.0.1", role="gateway")
    samples = [*session(60), six, *(second(n, 400, series=(4,)) for n in range(1, 60))]
    titles = re.findall("<figcaption>(.*?)</figcaption>", page(seen_of(samples, 0, 60)))
    assert "gateway v4 over eth0" in titles
    assert "gateway v6 over eth0" in titles


def test_a_healthy_hour_has_no_outage() -> None:
    assert "Outages" in page(seen_of(session(60), 0, 60))
