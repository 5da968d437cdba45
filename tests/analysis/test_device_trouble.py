"""The counters of an RDMA port say what is wrong, where a capture sees nothing because the card does RoCE itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.device_trouble import _KINDS, paused, port_verdict
from analysis.model import Model
from analysis.samples import RoceTick, Sample
from analysis.settings import Settings
from analysis.view import Lens, Verdict
from tests.samples import SECOND_NS, at, rdma_session
from tui.counter_names import TROUBLE

MINUTE_NS = 60 * SECOND_NS
TOLD = {counter for kind in _KINDS for counter in kind.counters}


def verdict_on(**grown: int) -> Verdict | None:
    """Judge a port whose totals grew by so many in a minute."""
    return port_verdict("mlx5_0/1 (ens1)", grown, MINUTE_NS)


def told(**grown: int) -> tuple[str, str]:
    found = verdict_on(**grown)
    assert found is not None
    return found.severity, str(found.text)


def test_counters_that_stand_still_say_nothing() -> None:
    assert verdict_on(**dict.fromkeys(TOLD, 0), port_xmit_packets=5_000_000) is None


def test_naks_tell_of_loss_on_the_way_to_the_peer() -> None:
    assert told(packet_seq_err=12, port_xmit_packets=5_000_000) == (
        "warn",
        "RDMA mlx5_0/1 (ens1): packets are lost or overtaken on the way to the peer: 12 NAKs in 1m00s.",
    )


def test_packets_out_of_order_tell_of_loss_on_the_way_here() -> None:
    severity, text = told(out_of_sequence=40, port_rcv_packets=5_000_000)
    assert severity == "warn"
    assert "on the way here: 40 times" in text


@pytest.mark.parametrize(
    ("grown", "severity"),
    [
        ({"packet_seq_err": 2, "port_xmit_packets": 100}, "notice"),
        ({"packet_seq_err": 3, "port_xmit_packets": 10_000}, "warn"),
        ({"packet_seq_err": 11, "port_xmit_packets": 10_000}, "bad"),
        ({"packet_seq_err": 11}, "warn"),
        ({"rcvd_seq_err": 572, "sent_pkts": 165_000}, "bad"),
        ({"retry_exceeded_err": 1}, "bad"),
        ({"port_xmit_discards": 1}, "notice"),
    ],
)
def test_how_grave_it_is_goes_by_the_share_of_packets_where_that_is_counted(
    grown: dict[str, int], severity: str
) -> None:
    assert told(**grown)[0] == severity


@pytest.mark.parametrize(
    ("naks", "rnr"), [("packet_seq_err", "rnr_nak_retry_err"), ("out_of_sequence", "out_of_buffer")]
)
def test_what_comes_with_a_receiver_that_is_not_ready_is_not_called_loss(naks: str, rnr: str) -> None:
    found = verdict_on(**{naks: 50, rnr: 40})
    assert found is not None
    assert "receive buffer" in str(found.text)
    assert found.evidence == ()


def test_the_gravest_is_told_first_and_the_rest_is_evidence() -> None:
    found = verdict_on(retry_exceeded_err=1, local_ack_timeout_err=40, packet_seq_err=12, port_xmit_packets=5_000_000)
    assert found is not None
    assert "given up" in str(found.text)
    said = ("12 NAKs", "40 time-outs", "5.0M packets")
    assert all(part in str(one) for part, one in zip(said, found.evidence, strict=True))


def test_a_port_without_an_error_on_its_own_wire_says_that_the_fault_is_not_there() -> None:
    clean = "RDMA mlx5_0/1 (ens1): not one error on its own wire in 1m00s."
    found = verdict_on(packet_seq_err=12, symbol_error=0, port_rcv_errors=0)
    assert found is not None
    assert str(found.evidence[-1]) == clean
    for unclean in ({}, {"link_downed": 0}, {"symbol_error": 1}):
        found = verdict_on(packet_seq_err=12, **unclean)
        assert found is not None
        assert clean not in map(str, found.evidence)


def test_every_counter_that_judges_has_a_plain_name() -> None:
    assert set(TROUBLE) >= TOLD


@given(st.dictionaries(st.sampled_from(sorted(TROUBLE)), st.integers(0, 10_000)))
def test_only_what_grew_is_told_and_all_of_it(grown: dict[str, int]) -> None:
    grew = {kind for kind in _KINDS if any(grown.get(name, 0) > 0 for name in kind.counters)}
    alone = {kind for kind in grew if not any(grown.get(name, 0) > 0 for name in kind.explained_by)}
    found = verdict_on(**grown)
    said = 0 if found is None else 1 + sum("own wire" not in str(one) for one in found.evidence)
    assert len(alone) <= said <= len(grew)


# --- pauses, which a card counts in microseconds and takes off the wire before any capture ---


@pytest.mark.parametrize(
    ("counter", "said"),
    [
        ("rx_prio3_pause_duration", "ens1: the switch held priority 3 back for 2.0% of 1m00s"),
        ("tx_prio5_pause_duration", "ens1: this box held priority 5 back for 2.0% of 1m00s"),
    ],
)
def test_a_priority_that_is_paused_for_long_is_a_storm_and_whose_it_is_is_told(counter: str, said: str) -> None:
    (found,) = paused("ens1", {counter: 1_200_000, "rx_prio3_pause": 40_000}, MINUTE_NS)
    assert found.severity == "bad"
    assert str(found.text).startswith(said)


@pytest.mark.parametrize("grown", [{"rx_prio3_pause_duration": 600_000}, {"rx_prio3_pause": 9_000_000}, {}])
def test_short_pauses_are_how_pfc_works(grown: dict[str, int]) -> None:
    assert list(paused("ens1", grown, MINUTE_NS)) == []


# --- on a whole box ---


def verdict_of(samples: list[Sample], seconds: float = 60) -> Verdict:
    model = Model(Settings())
    for sample in samples:
        model.fold(sample)
    return model.view(at(seconds), Lens()).verdict


def test_a_box_whose_paths_are_well_but_whose_rdma_loses_is_not_called_well() -> None:
    found = verdict_of(rdma_session())
    assert found.severity == "warn"
    assert "mlx5_0/1 (ens1): packets are lost or overtaken on the way to the peer" in str(found.text)
    assert any("lost, p50" in str(one) for one in found.evidence), "and that the paths are well"


def test_an_empty_capture_does_not_hide_what_the_card_counts() -> None:
    found = verdict_of(rdma_session(RoceTick(at(59), "ens1", SECOND_NS)))
    assert found.severity == "warn"
    assert "mlx5_0/1" in str(found.text)


def test_a_lossy_path_comes_first_and_rdma_is_evidence() -> None:
    found = verdict_of(rdma_session(lossy=5))
    assert found.severity == "bad"
    assert "mlx5_0/1" not in str(found.text)
    assert any("mlx5_0/1" in str(one) for one in found.evidence)


def test_counters_that_nobody_reads_any_more_say_nothing_of_now() -> None:
    assert "mlx5_0/1" in str(verdict_of(rdma_session(), 118).text)
    assert "mlx5_0/1" not in str(verdict_of(rdma_session(), 120).text)
