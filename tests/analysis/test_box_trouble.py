"""The box is told to be at fault where it counts that, and not to be where it counts nothing."""

import pytest
from msgspec.structs import replace

from analysis.model import Model
from analysis.samples import (
    CoreTimes,
    Fact,
    Facts,
    Host,
    LinkCounters,
    LinkInfo,
    LinkInfos,
    Links,
    NicCounters,
    Rdma,
    Sample,
)
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
        ({"rx_errors": 300, "rx_packets": 1_000_000}, "ok", "eth0: 300 frames could not be taken in during 30 s"),
        ({"rx_errors": 300, "rx_packets": 100_000}, "warn", "eth0: 300 frames could not be taken in during 30 s"),
        ({"rx_errors": 300}, "warn", "eth0: 300 frames could not be taken in during 30 s"),
        ({"rx_errors": 30, "rx_packets": 9_000}, "ok", "eth0: 30 frames could not be taken in"),
        ({"tx_errors": 300, "tx_packets": 100_000}, "warn", "eth0: 300 packets could not be sent in 30 s"),
        ({"carrier_changes": 2}, "warn", "eth0: its link went down or came up 2 times in 30 s."),
    ],
)
def test_a_way_out_that_counts_many_errors_is_at_fault_and_few_are_evidence(
    fields: dict[str, int], severity: str, said: str
) -> None:
    found = verdict_over(*grown(**fields))
    assert found.severity == severity
    assert any(str(one).startswith(said) for one in (found.evidence if severity == "ok" else [found.text]))


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
    found = verdict_over(*hosts(dropped=400, processed=100_000))
    assert found.severity == "bad"
    assert str(found.text).startswith("This box dropped 400 received packets in 30 s before any program saw them")
    assert verdict_over(*hosts(dropped=400, processed=10_000_000)).severity == "warn"
    assert verdict_over(*hosts(dropped=2)).severity == "ok"


def test_a_core_that_comes_online_with_its_old_total_has_dropped_nothing() -> None:
    first, last = hosts()
    more = replace(last, softnet_dropped=(7, 7, 50), softnet_processed=(0, 1000, 9))
    assert verdict_over(first, more).severity == "ok"


def test_a_second_is_too_short_to_call_a_core_busy() -> None:
    first, last = hosts(busy=2970, softirq=2400)
    assert verdict_over(replace(first, t=at(29)), last).severity == "ok"


def test_one_core_that_only_takes_in_packets_is_told_and_a_core_that_computes_is_not() -> None:
    found = verdict_over(*hosts(busy=2970, softirq=2400))
    assert found.severity == "warn"
    assert str(found.text).startswith("Core 1 was busy for 99.0% of 30 s, in softirq for 80% of it")
    assert verdict_over(*hosts(busy=3000, softirq=100)).severity == "ok"


CLEAN = "This box counts no error on eth0, eth1 and no packet dropped by its processors in 30 s."
ETH1 = replace(LINK, name="eth1")


def both(**fields: int) -> tuple[Sample, ...]:
    """Both ways out over half a minute, and processors that kept up."""
    first, last = grown(**fields)
    return replace(first, rows=(*first.rows, ETH1)), replace(last, rows=(*last.rows, ETH1)), *hosts()


def test_a_box_without_a_fault_says_so_where_a_path_loses() -> None:
    found = verdict_over(*both(rx_packets=9000), lossy=5)
    assert found.severity == "bad"
    assert str(found.evidence[-1]) == CLEAN


MISSED = (
    NicCounters(at(0), {"eth0": {"rx_missed_errors": 5}}),
    NicCounters(at(30), {"eth0": {"rx_missed_errors": 9}}),
)


@pytest.mark.parametrize(
    "counters",
    [
        both(rx_errors=1),
        both(carrier_changes=1),
        (*both(), *MISSED),
        (*both()[:2], *hosts(dropped=1)),
        (*both()[:2], hosts()[0], replace(hosts()[1], softnet_dropped=(7, 7, 7))),
        (*both()[:2], *(replace(host, softnet_dropped=()) for host in hosts())),
        (*both()[:2], *(replace(host, t=at(29 + n)) for n, host in enumerate(hosts()))),
        (links(0, LINK, ETH1), links(30, LINK, replace(ETH1, up=False)), *hosts()),
        (*both(), LinkInfos(at(0), (LinkInfo("eth1", 1500, "wireguard"),))),
        (*both(), LinkInfos(at(0), (LinkInfo("eth1", 1500, "vlan"),))),
        (*grown(), *hosts()),
        both()[:2],
        hosts(),
        (),
    ],
)
def test_a_box_that_counts_a_fault_or_was_not_looked_at_is_not_called_clean(counters: tuple[Sample, ...]) -> None:
    found = verdict_over(*counters, lossy=5)
    assert not any("counts no error" in str(one) for one in found.evidence)
    assert found.severity == "bad"


def test_errors_of_what_lies_below_a_way_out_are_its_own() -> None:
    below = Facts(at(0), {"link.eth0.lowers": Fact("ens1", "/sys"), "link.eth1.lowers": Fact("ens2", "/sys")})
    ens1, ens2 = replace(LINK, name="ens1"), replace(LINK, name="ens2")
    whole = (LINK, ETH1, ens1, ens2)
    found = verdict_over(below, links(0, *whole), links(30, LINK, ETH1, replace(ens1, rx_errors=300), ens2))
    assert str(found.text).startswith("ens1: 300 frames could not be taken in")
    found = verdict_over(below, links(0, *whole), links(30, *whole), *hosts(), lossy=5)
    assert "no error on ens1, ens2, eth0, eth1" in str(found.evidence[-1])


def test_a_path_s_loss_comes_first_and_the_box_s_errors_are_its_evidence() -> None:
    found = verdict_over(*grown(rx_errors=300, rx_packets=100_000), lossy=5)
    assert str(found.text).startswith("Loss")
    assert any("could not be taken in" in str(one) for one in found.evidence)


def test_counters_of_long_ago_say_nothing() -> None:
    assert "eth0: 300" in str(verdict_over(*grown(rx_errors=300), seconds=89).text)
    assert "eth0: 300" not in str(verdict_over(*grown(rx_errors=300), seconds=90).text)


def looks(seconds: range) -> list[Links]:
    return [links(n, replace(LINK, rx_packets=1000 * n, rx_errors=20 * min(n, 10))) for n in seconds]


def test_errors_of_the_last_minute_are_told_and_those_before_it_forgotten() -> None:
    """As a busy host is folded: once a second, of which not every one is kept."""
    assert "frames could not" in str(verdict_over(*looks(range(60)), seconds=60).text)
    assert "frames could not" not in str(verdict_over(*looks(range(100)), seconds=100).text)


@pytest.mark.parametrize("begun", [1, 4, 9, 10])
def test_where_folding_began_changes_nothing(begun: int) -> None:
    """A jump begins elsewhere than a live view did."""
    errors = [links(n, replace(LINK, rx_packets=1000 * n, rx_errors=3 * n)) for n in range(200)]
    whole, later = verdict_over(*errors, seconds=200), verdict_over(*errors[begun:], seconds=200)
    assert (whole.text, whole.severity) == (later.text, later.severity)


def test_looks_that_are_far_apart_are_compared_and_those_of_another_time_are_not() -> None:
    assert verdict_over(links(0, LINK), links(90, replace(LINK, rx_errors=500)), seconds=90).severity == "warn"
    assert verdict_over(links(0, LINK), links(3600, replace(LINK, rx_errors=500)), seconds=3600).severity != "warn"
