"""The box is told to be at fault where it counts that, and not to be where it counts nothing."""

import pytest
from msgspec.structs import replace

from analysis.model import Model
from analysis.samples import CoreTimes, Host, LinkCounters, Links, Rdma, Sample
from analysis.settings import Settings
from analysis.view import Lens, Verdict
from tests.samples import at, session

LINK = LinkCounters("eth0", True, 0, 0, 0, 0, 0, 0, 0, 0, 5)


def links(n: int, *rows: LinkCounters) -> Links:
    return Links(at(n), rows)


def verdict_over(*counters: Sample, lossy: int = 0, seconds: float = 30) -> Verdict:
    """Judge healthy paths with these counters beside them, and no others."""
    paths = [s for s in session(30, lossy=lossy) if not isinstance(s, (Links, Host, Rdma))]
    model = Model(Settings())
    for sample in sorted([*paths, *counters], key=lambda sample: sample.t):
        model.fold(sample)
    return model.view(at(seconds), Lens()).verdict


def grown(**fields: int) -> tuple[Links, Links]:
    """One interface at the start, and as much later as `fields` say after half a minute."""
    start = replace(LINK, rx_packets=1000, tx_packets=1000)
    return links(0, start), links(
        30, replace(start, **{name: getattr(start, name) + n for name, n in fields.items()})
    )


@pytest.mark.parametrize(
    ("fields", "severity", "said"),
    [
        ({"rx_errors": 300, "rx_packets": 1_000_000}, "warn", "eth0: 300 errors on receipt in 30 s"),
        ({"rx_errors": 300, "rx_packets": 100_000}, "bad", "eth0: 300 errors on receipt in 30 s"),
        ({"tx_errors": 3, "tx_packets": 1_000_000}, "warn", "eth0: 3 errors on sending in 30 s"),
        ({"rx_errors": 2}, "notice", "eth0: 2 errors on receipt"),
        ({"carrier_changes": 2}, "warn", "eth0: its link went down or came up 2 times in 30 s."),
    ],
)
def test_a_way_out_that_counts_errors_is_at_fault(fields: dict[str, int], severity: str, said: str) -> None:
    found = verdict_over(*grown(**fields))
    assert found.severity == severity
    assert str(found.text).startswith(said)


def test_what_is_dropped_on_the_way_in_says_nothing() -> None:
    """The kernel counts frames of protocols that nobody speaks here as dropped too (net/core/dev.c)."""
    assert verdict_over(*grown(rx_dropped=5000, tx_dropped=5000)).severity == "ok"


def test_interfaces_that_nothing_is_probed_over_are_left_alone() -> None:
    other = replace(LINK, name="veth1234")
    assert verdict_over(links(0, other), links(30, replace(other, tx_errors=9999))).severity == "ok"


def test_counters_that_begin_anew_say_nothing() -> None:
    assert verdict_over(links(0, replace(LINK, rx_errors=500)), links(30, LINK)).severity == "ok"


def hosts(*, dropped: int = 0, processed: int = 1000, busy: int = 0, softirq: int = 0) -> tuple[Host, Host]:
    """Two cores, of which the second did this within half a minute of 3,000 ticks."""
    still = CoreTimes(0, 0, 0)
    idle, core = CoreTimes(10, 0, 3000), CoreTimes(busy, softirq, 3000)
    return (
        Host(at(0), (still, still), (0, 0), (7, 7), (0, 0), 1 << 30, 1 << 29),
        Host(at(30), (idle, core), (0, processed), (7, 7 + dropped), (0, 0), 1 << 30, 1 << 29),
    )


def test_packets_that_found_a_full_backlog_are_the_box_s_own_loss() -> None:
    found = verdict_over(*hosts(dropped=40, processed=10_000))
    assert found.severity == "bad"
    assert str(found.text).startswith("This box dropped 40 received packets in 30 s before any program saw them")
    assert verdict_over(*hosts(dropped=40, processed=10_000_000)).severity == "warn"


def test_one_core_that_only_takes_in_packets_is_told_and_a_core_that_computes_is_not() -> None:
    found = verdict_over(*hosts(busy=2970, softirq=2400))
    assert found.severity == "warn"
    assert str(found.text).startswith("Core 1 was busy for 99.0% of 30 s, taking in packets for 80% of it")
    assert verdict_over(*hosts(busy=3000, softirq=100)).severity == "ok"


def test_a_box_without_a_fault_says_so_where_a_path_loses() -> None:
    clean = "This box itself: not one error on eth0, no packet dropped by its processors in 30 s."
    found = verdict_over(*grown(rx_packets=9000), *hosts(), lossy=5)
    assert found.severity == "bad"
    assert str(found.evidence[-1]) == clean


@pytest.mark.parametrize(
    "counters",
    [
        (*grown(rx_errors=1), *hosts()),
        (*grown(carrier_changes=1), *hosts()),
        (*grown(), *hosts(dropped=1)),
        (links(0, LINK), links(30, replace(LINK, up=False)), *hosts()),
        grown(),
        hosts(),
        (),
    ],
)
def test_a_box_that_counts_a_fault_or_was_not_looked_at_is_not_called_clean(counters: tuple[Sample, ...]) -> None:
    found = verdict_over(*counters, lossy=5)
    assert not any("This box itself" in str(one) for one in found.evidence)
    assert found.severity == "bad"


def test_a_path_s_loss_comes_first_and_the_box_s_errors_are_its_evidence() -> None:
    found = verdict_over(*grown(rx_errors=300, rx_packets=100_000), lossy=5)
    assert str(found.text).startswith("Loss")
    assert any("errors on receipt" in str(one) for one in found.evidence)


def test_counters_of_long_ago_say_nothing() -> None:
    assert "errors" in str(verdict_over(*grown(rx_errors=300), seconds=89).text)
    assert "errors" not in str(verdict_over(*grown(rx_errors=300), seconds=90).text)


def test_errors_of_the_last_minute_are_told_and_those_before_it_forgotten() -> None:
    """As a busy host is folded: once a second, of which not every one is kept."""
    looks = [links(n, replace(LINK, rx_packets=1000 * n, rx_errors=min(n, 10))) for n in range(100)]
    assert "10 errors on receipt" in str(verdict_over(*looks[:60], seconds=60).text)
    assert "errors" not in str(verdict_over(*looks, seconds=100).text)
