"""What holds for all rules together, whatever the box is like."""

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from analysis.advice.engine import advise
from analysis.advice.errata import ERRATA
from analysis.advice.plan import Plan, Recommendation, rendered
from analysis.advice.registry import RULES
from analysis.advice.situation import Growth, Path, Situation
from analysis.samples import Fact
from analysis.text import say
from tests.analysis.advice.situations import FLOW, OTHERS, PATH, PLAIN, QUIET, RDMA, box

LOWERED_ON_PURPOSE = {
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_notsent_lowat",
    "net.ipv4.ip_local_port_range",
}
"""A switch, a bound on unsent data and the start of a range: smaller is the point. All else only ever grows."""
NOT_A_NUMBER = {"rps", "irq"}
"""Masks and lists of CPUs."""
EVERYTHING = {**PLAIN, **OTHERS, **RDMA}
GROWTH_RULES = {"T4", "T10", "T11", "T12", "T13", "T14", "T22"}
"""They go up by steps while a counter still grows."""

counts = st.one_of(st.just(0), st.integers(0, 1 << 40))
small = st.integers(0, 1 << 20)
ratios = st.floats(0, 1, allow_nan=False)
flows = st.builds(
    lambda **changed: replace(FLOW, **changed),
    cc=st.sampled_from(["cubic", "bbr", "reno"]),
    rtt_us=st.integers(1, 900_000),
    min_rtt_us=st.none() | st.integers(1, 900_000),
    bytes_acked=counts,
    bytes_received=counts,
    bytes_sent=st.none() | counts,
    bytes_retrans=st.none() | counts,
    delivery_rate_bps=st.none() | counts,
    delivery_app_limited=st.none() | st.booleans(),
    busy_us=st.none() | small,
    rwnd_limited_us=st.none() | small,
    sndbuf_limited_us=st.none() | small,
    remote=st.sampled_from(["198.51.100.7", "2001:db8::1", "127.0.0.1"]),
)
growths = st.builds(
    Growth,
    seconds=st.floats(0.1, 600),
    tcp=st.dictionaries(st.sampled_from([*QUIET.tcp, "TcpRetransSegs"]), small),
    softnet_processed=st.lists(small, max_size=4).map(tuple),
    softnet_dropped=st.lists(small, max_size=4).map(tuple),
    softnet_squeezed=st.lists(small, max_size=4).map(tuple),
    softirq_ratio=st.lists(ratios, max_size=4).map(tuple),
    busy_ratio=st.lists(ratios, max_size=4).map(tuple),
    interrupts=st.lists(counts, max_size=4).map(tuple),
    nic=st.dictionaries(st.sampled_from(["eth0.rx_dropped", "eth0.rx_out_of_buffer"]), small),
    rdma=st.dictionaries(st.sampled_from([*QUIET.rdma]), small),
)


@st.composite
def paths(draw: st.DrawFn) -> Path:
    settled = draw(st.integers(0, 5000))
    rtt = draw(st.none() | st.integers(1, 900_000))
    lowest = draw(st.none() | st.integers(1, 900_000))
    sizes = st.none() | st.sampled_from([1400, 1500, 4200, 9000])
    return replace(
        PATH,
        rtt_us=rtt,
        min_rtt_us=lowest,
        settled=settled,
        lost=draw(st.integers(0, settled)),
        largest_bytes=draw(sizes),
        silent_above_bytes=draw(sizes),
    )


@st.composite
def fact_values(draw: st.DrawFn) -> dict[str, Fact]:
    """The plain box with a handful of facts missing, unreadable, scaled or replaced by nonsense."""
    values: dict[str, Fact] = {key: Fact(value, source="s") for key, value in EVERYTHING.items()}
    for key in draw(st.lists(st.sampled_from(sorted(EVERYTHING)), max_size=12)):
        values[key] = draw(
            st.sampled_from(
                [
                    Fact(problem=say("unreadable")),
                    Fact("nonsense"),
                    Fact(""),
                    _scaled(EVERYTHING[key], 0.1),
                    _scaled(EVERYTHING[key], 9),
                ]
            )
        )
    chosen = {
        "sysctl.net.ipv4.tcp_congestion_control": ["cubic", "bbr"],
        "container": ["none", "docker"],
        "qdisc.eth0.root": ["mq", "fq", "htb", "pfifo_fast", "noqueue"],
        "rdma.devices": ["", "mlx5_0", "rxe0", "mlx5_0 mlx5_1"],
        "sysctl.net.ipv4.tcp_mtu_probing": ["0", "1", "2"],
        "sysctl.net.ipv4.tcp_timestamps": ["0", "1"],
        "link.eth0.rx_queues": ["1", "4", "64"],
        "link.eth0.adaptive_rx": ["on", "off"],
        "link.eth0.gro": ["on", "off"],
        "management.interfaces": ["eth0", "", "bond0 eth1"],
        "rdma.mlx5_0.traffic_class": ["0", "96", "106"],
        "link.eth0.pfc_priorities": ["", "3", "0 1 2 3 4 5 6 7"],
    }
    for key, options in chosen.items():
        values[key] = Fact(draw(st.sampled_from(options)), source="s")
    for key in draw(st.lists(st.sampled_from(sorted(EVERYTHING)), max_size=3)):
        values.pop(key, None)
    return values


def _scaled(text: str, factor: float) -> Fact:
    return Fact(re.sub(r"\d+", lambda m: str(int(int(m[0]) * factor)), text), source="s")


situations = st.builds(
    Situation,
    time_ns=st.integers(0, 4_000_000_000_000_000_000),
    facts=fact_values(),
    goal=st.sampled_from(["none", "long-path", "lossless-fabric", "inference-across-sites", "storage"]),
    flows=st.none() | st.lists(flows, max_size=3).map(tuple),
    growth=st.none() | growths,
    paths=st.lists(paths(), max_size=3).map(tuple),
    bandwidth_bps=st.none() | st.integers(1, 800_000_000_000),
    wanted_bps=st.none() | st.integers(1, 800_000_000_000),
)


@settings(max_examples=150, deadline=None)
@given(situations)
def test_every_rule_ends_in_exactly_one_list_and_never_makes_worse(situation: Situation) -> None:
    plan = advise(situation)
    ended = [v.id for v in (*plan.recommendations, *plan.kept, *plan.not_applicable, *plan.unknown)]
    assert sorted(ended) == sorted(rule.id for rule in RULES)
    assert all(str(v.why) for v in (*plan.kept, *plan.not_applicable, *plan.unknown))
    for advice in plan.recommendations:
        _is_sound(advice, situation)


def _is_sound(advice: Recommendation, situation: Situation) -> None:
    assert advice.evidence
    assert advice.authority
    assert advice.changes or advice.instructions
    assert str(advice.formula)
    assert str(advice.effect)
    for change in advice.changes:
        assert change.proposed != change.current
        assert change.undo
        if change.knob == "sysctl":
            assert change.current == " ".join((situation.find(f"sysctl.{change.key}") or "").split())
        if change.key not in LOWERED_ON_PURPOSE and change.knob not in NOT_A_NUMBER:
            assert not _lowers(change.current, change.proposed)
    if advice.risk in {"R3", "R4"} or (situation.container and advice.scope in {"host", "read-only", "device"}):
        assert advice.changes == ()


def _lowers(current: str, proposed: str) -> bool:
    old, new = re.findall(r"\d+", current), re.findall(r"\d+", proposed)
    return len(old) == len(new) and any(int(b) < int(a) for a, b in zip(old, new, strict=True))


@settings(max_examples=60, deadline=None)
@given(situations)
def test_what_was_applied_is_not_proposed_again(situation: Situation) -> None:
    changes = [c for a in advise(situation).recommendations for c in a.changes if c.knob == "sysctl"]
    written = {f"sysctl.{c.key}": Fact(c.proposed, source="s") for c in changes}
    again = advise(msgspec.structs.replace(situation, facts={**situation.facts, **written}))
    stated = {
        c.key for a in again.recommendations if a.id not in GROWTH_RULES for c in a.changes if c.knob == "sysctl"
    }
    assert not stated & {key.removeprefix("sysctl.") for key in written}


@pytest.mark.parametrize("key", sorted(EVERYTHING))
def test_no_rule_stumbles_over_one_missing_fact(key: str) -> None:
    for goal in ("none", "long-path", "lossless-fabric"):
        gone = advise(box({**RDMA, key: None}, goal=goal))
        assert all(e.fact != key for a in gone.recommendations for e in a.evidence)


def test_nothing_known_is_nothing_proposed() -> None:
    assert advise(Situation()).recommendations == ()


def test_a_plan_is_published_under_its_schema() -> None:
    plan = advise(box(flows=(replace(FLOW, sndbuf_limited_us=4_000_000),), time_ns=1_700_000_000_000_000_000))
    data = msgspec.json.decode(msgspec.json.encode(rendered(plan)))
    assert data["schema"] == "longpipe.plan/1"
    assert data["facts_time"] == "2023-11-14T22:13:20+00:00"
    assert set(data) == {
        "schema",
        "goal",
        "facts_time",
        "container",
        "recommendations",
        "kept",
        "not_applicable",
        "unknown",
    }
    (advice,) = (a for a in data["recommendations"] if a["id"] == "T2")
    assert advice["title"] == "Let the send buffer cover the path"
    assert set(advice["evidence"][0]) == {"fact", "value", "source"}
    assert set(advice["changes"][0]) == {"knob", "key", "current", "proposed", "meaning", "undo"}


def test_the_worst_comes_first() -> None:
    plan = advise(box(paths=(replace(PATH, lost=30),), flows=(replace(FLOW, sndbuf_limited_us=4_000_000),)))
    order = ["bad", "warn", "info"]
    ranks = [order.index(a.severity) for a in plan.recommendations]
    assert len(ranks) > 1
    assert ranks == sorted(ranks)


def test_all_rules_are_there() -> None:
    assert {rule.id for rule in RULES} == {f"T{n}" for n in range(1, 33)} | {f"D{n}" for n in range(1, 21)}


def test_a_sound_box_gets_no_advice() -> None:
    assert advise(box(RDMA, goal="none")).recommendations == ()


def test_errata_name_rules_that_exist() -> None:
    assert [erratum.id for erratum in ERRATA] == [f"S{n}" for n in range(1, 26)]
    assert {name for erratum in ERRATA for name in erratum.rules} <= {rule.id for rule in RULES}


def test_ids_are_unique_and_plans_compare_by_value() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert advise(box()) == advise(box())
    assert isinstance(advise(box()), Plan)
