"""The page of the box itself: what it counts that is wrong first, then processors and interfaces."""

import pytest
from msgspec.structs import replace

from analysis.samples import Host, LinkCounters, LinkInfo, LinkInfos, Links, Qdiscs, Sample, TcpCounters
from analysis.samples.box import QdiscCounters
from analysis.settings import Settings
from tests.samples import at, session
from tests.tui.feeds import CannedFeed, settle
from tests.tui.reports import seen_of
from tests.tui.screen_text import text
from tui.app import LongpipeApp
from tui.box import box_detail
from tui.report.build_box import LINKS, box_part
from tui.widgets.runs import row_text

ETH0 = LinkCounters("eth0", True, 1_000_000, 500_000, 9000, 4000, 0, 0, 0, 0, 3)


def over(*more: Sample) -> list[Sample]:
    """A minute of a healthy box whose last two looks at its interfaces are `more`."""
    return sorted([*(s for s in session(60) if not isinstance(s, Links)), *more], key=lambda sample: sample.t)


def links(*rows: LinkCounters) -> list[Sample]:
    """Interfaces that stood still for a minute but for eth0, which lost packets."""
    later = replace(ETH0, rx_bytes=2_000_000, rx_errors=300, tx_dropped=4)
    infos = LinkInfos(at(1), (LinkInfo("eth0", 9000, "mlx5_core", 100_000), LinkInfo("veth0a", 1500, "veth")))
    queues = Qdiscs(at(2), (QdiscCounters("eth0", "fq", "8001:", "root", 100, 1234, 0, 0, 0),))
    return over(
        Links(at(1), (ETH0, *rows)), infos, queues, Links(at(59), (ETH0, *rows)), Links(at(60), (later, *rows))
    )


def page(samples: list[Sample], width: int = 100) -> list[str]:
    seen = seen_of(samples, 0, 61)
    return [row_text(row).rstrip() for row in box_detail(seen.view, "unicode", width).rows]


def test_what_the_box_counts_that_is_wrong_comes_first() -> None:
    rows = page(links())
    assert rows[0].startswith("▲ WARNING  eth0: 300 frames could not be taken in during 59 s")
    assert "processors       10% busy" in rows
    assert "memory           50% in use" in rows


def test_an_interface_is_told_with_its_traffic_errors_and_queue() -> None:
    rows = page(links())
    at_eth0 = rows.index("eth0  mlx5_core  100 Gb/s  MTU 9000  up")
    assert rows[at_eth0 + 1] == "  rx 8.00 Mb/s, 0/s; tx 0 b/s, 0/s packets"
    assert rows[at_eth0 + 2] == "  errors 300/s, dropped 4.00/s, queue fq: 1.2k dropped"


def test_containers_and_loopback_do_not_hide_the_interfaces() -> None:
    many = [replace(ETH0, name=f"wg{n}") for n in range(LINKS + 3)]
    part = box_part(seen_of(links(*many, replace(ETH0, name="veth0a"), replace(ETH0, name="lo")), 0, 61).view)
    assert part is not None
    assert part.links[0].name == "eth0", "the busiest first"
    assert len(part.links) == LINKS
    assert not {"lo", "veth0a"} & {link.name for link in part.links}
    assert part.links_left_out == 5, "four idle ones and a container's"


def test_what_is_not_known_is_not_told() -> None:
    bare = [sample for sample in session(60) if not isinstance(sample, (Links, Host))]
    assert box_part(seen_of(bare, 0, 60).view) is None
    assert page(bare) == ["Nothing is known of processors and interfaces."]


@pytest.mark.parametrize("size", [(120, 36), (60, 16)])
async def test_the_page_opens_by_a_key_at_every_size(size: tuple[int, int]) -> None:
    feed = CannedFeed(links())
    async with LongpipeApp(lambda: feed, Settings(), "unicode").run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("i")
        await settle(pilot)
        shown = text(pilot.app)
        assert "This box" in shown
        assert "processors" in shown
        assert "eth0: 300 frames could not be" in shown


async def test_trouble_of_interfaces_is_no_matter_of_the_roce_pane() -> None:
    feed = CannedFeed(links())
    async with LongpipeApp(lambda: feed, Settings(), "unicode").run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert "eth0: 300 frames" in text(pilot.app), "the line at the top"
        assert "eth0: 300 frames" not in text(pilot.app).split("3 RoCE")[1]


def test_inside_a_container_the_way_out_is_told_though_it_is_a_veth() -> None:
    inside = [*links(), LinkInfos(at(60), (LinkInfo("eth0", 1500, "veth"),))]
    part = box_part(seen_of(inside, 0, 61).view)
    assert part is not None
    assert [link.name for link in part.links] == ["eth0"]
    assert part.links_left_out == 0


@pytest.mark.parametrize(
    ("sent", "again", "told"),
    [(100, 0, "0%"), (99, 1, "1.0%"), (34, 66, "66%"), (0, 9, "100%"), (0, 0, None)],
)
def test_segments_sent_again_are_a_share_of_all_that_were_sent(sent: int, again: int, told: str | None) -> None:
    """The kernel counts them beside the others: a box that only repeats SYNs would repeat 200 % of them."""
    counts = [TcpCounters(at(n), {"TcpOutSegs": n * sent, "TcpRetransSegs": n * again}) for n in (59, 60)]
    samples = sorted([*(s for s in session(60) if not isinstance(s, TcpCounters)), *counts], key=lambda one: one.t)
    assert (f"TCP              {told} of segments sent again" in page(samples)) is (told is not None)
