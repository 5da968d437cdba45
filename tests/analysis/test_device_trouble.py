"""The counters of an RDMA port say what is wrong, where a capture sees nothing because the card does RoCE itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from analysis.device_trouble import _KINDS, missed, paused, port_verdict
from analysis.model import Model
from analysis.samples import Rdma, RdmaPort, RoceTick, Sample
from analysis.settings import Settings
from analysis.text import Sentence
from analysis.verdicts import gravest
from analysis.view import Counted, Lens, Verdict
from tests.samples import SECOND_NS, at, rdma_session, session
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
        ({"packet_seq_err": 11, "port_xmit_packets": 9_999}, "warn"),
        ({"packet_seq_err": 11}, "warn"),
        ({"rcvd_seq_err": 572, "sent_pkts": 165_000}, "bad"),
        ({"out_of_sequence": 9_000, "port_rcv_packets": 100_000}, "warn"),
        ({"retry_exceeded_err": 2}, "notice"),
        ({"retry_exceeded_err": 3}, "bad"),
        ({"req_transport_retries_exceeded": 200}, "bad"),
        ({"resp_remote_access_errors": 40}, "warn"),
        ({"rx_icrc_encapsulated": 3, "port_rcv_packets": 10**10}, "warn"),
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
    assert found.severity == "warn"
    assert "receive buffer" in str(found.text)
    assert len(found.evidence) == 1, "it is told all the same"


def test_what_comes_with_it_alone_is_worth_a_notice() -> None:
    assert told(packet_seq_err=50, rnr_nak_retry_err=40)[0] == "warn"
    found = verdict_on(out_of_sequence=5_000, out_of_buffer=4_000)
    assert found is not None
    assert "on the way here: 5.0k times" in str(found.evidence[0])


def test_a_retry_of_soft_roce_after_a_nak_is_not_told_again_as_a_time_out() -> None:
    found = verdict_on(rcvd_seq_err=500, completer_retry_err=500)
    assert found is not None
    assert not any("time-outs" in str(one) for one in (found.text, *found.evidence))
    found = verdict_on(rcvd_seq_err=500, completer_retry_err=540)
    assert found is not None
    assert "40 time-outs" in str(found.evidence[0])


def test_the_gravest_is_told_first_and_the_rest_is_evidence() -> None:
    found = verdict_on(retry_exceeded_err=3, local_ack_timeout_err=40, packet_seq_err=12, port_xmit_packets=5_000_000)
    assert found is not None
    assert "given up" in str(found.text)
    said = ("12 NAKs", "40 time-outs", "5.0M packets")
    assert all(part in str(one) for part, one in zip(said, found.evidence, strict=True))


def test_every_counter_that_judges_has_a_plain_name() -> None:
    assert set(TROUBLE) >= TOLD


@given(st.dictionaries(st.sampled_from(sorted(TROUBLE)), st.integers(0, 10_000)))
def test_only_what_grew_is_told_and_all_of_it(grown: dict[str, int]) -> None:
    def more(names: tuple[str, ...]) -> int:
        return sum(grown.get(name, 0) for name in names)

    grew = sum(more(kind.counters) > more(kind.less) for kind in _KINDS)
    found = verdict_on(**grown)
    assert (0 if found is None else 1 + len(found.evidence)) == grew


# --- pauses, which a card counts in microseconds and takes off the wire before any capture ---


@pytest.mark.parametrize(
    ("counter", "said"),
    [
        ("rx_prio3_pause_duration", "ens1: its neighbour held priority 3 back for {share} of 1m00s"),
        ("tx_prio3_pause_duration", "ens1: this box held priority 3 back for {share} of 1m00s"),
    ],
)
def test_a_priority_that_is_paused_for_long_is_told_with_who_held_it_back(counter: str, said: str) -> None:
    for paused_us, share, severity in ((1_200_000, "2.0%", "warn"), (12_000_000, "20%", "bad")):
        (found,) = paused("ens1", {counter: paused_us, "rx_prio3_pause": 40_000}, MINUTE_NS)
        assert found.severity == severity
        assert str(found.text).startswith(said.format(share=share))


@pytest.mark.parametrize("grown", [{"rx_prio3_pause_duration": 600_000}, {"rx_prio3_pause": 9_000_000}, {}])
def test_short_pauses_are_how_pfc_works(grown: dict[str, int]) -> None:
    assert list(paused("ens1", grown, MINUTE_NS)) == []


@pytest.mark.parametrize("elapsed_ns", [0, SECOND_NS])
def test_a_share_of_a_moment_says_nothing(elapsed_ns: int) -> None:
    assert list(paused("ens1", {"rx_prio3_pause_duration": 900_000, "rx_prio3_pause": 3}, elapsed_ns)) == []


def test_packets_that_a_card_missed_are_told_once_though_drivers_count_them_twice() -> None:
    (found,) = missed("ens1", {"rx_missed_errors": 3000, "rx_out_of_buffer": 3000}, MINUTE_NS)
    assert found.severity == "warn"
    assert str(found.text).startswith("ens1: the card had no room for 3.0k packets in 1m00s")
    assert list(missed("ens1", {"rx_missed_errors": 0}, MINUTE_NS)) == []


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


def test_after_a_gap_an_hour_is_not_told_as_the_last_minute() -> None:
    hour = 3600
    port = RdmaPort("mlx5_0", 1, "Ethernet", "ACTIVE", counters={"resp_remote_access_errors": 5})
    before = Rdma(at(0), (replace(port, counters={"resp_remote_access_errors": 1}),))
    after = [Rdma(at(hour + n), (port,)) for n in range(30)]
    paths = [replace(sample, t=sample.t + hour * SECOND_NS) for sample in session(30) if not isinstance(sample, Rdma)]
    samples = sorted([before, *paths, *after], key=lambda sample: sample.t)
    for seconds in (1, 2, 29):
        now = [sample for sample in samples if sample.t <= at(hour + seconds)]
        assert verdict_of(now, hour + seconds).severity != "warn"


def test_a_service_that_is_down_is_not_hidden_by_a_time_out_on_a_box_that_probes_no_path() -> None:
    down = Verdict("bad", Sentence("web has been down for 55 s."))
    noted = Verdict("notice", Sentence("1 time-outs"))
    found = gravest(down, (), Counted((noted,)), alone=True)
    assert (found.severity, str(found.text)) == ("bad", "web has been down for 55 s.")
    assert [str(one) for one in found.evidence] == ["1 time-outs"]


def test_a_verdict_that_is_outdone_is_evidence() -> None:
    slow = Verdict("warn", Sentence("Round trip 300 ms."), (Sentence("its evidence"),))
    lost = Verdict("bad", Sentence("NAKs"), (Sentence("how many"),))
    found = gravest(slow, (), Counted((), (lost,), Sentence("clean")), alone=False)
    assert str(found.text) == "NAKs"
    assert [str(one) for one in found.evidence] == ["how many", "Round trip 300 ms.", "its evidence", "clean"]


def test_a_capture_of_its_own_is_judged_where_nothing_else_is_known() -> None:
    nothing = Verdict("unknown", Sentence("Probing; the first answers are on their way."))
    port = Verdict("warn", Sentence("NAKs"))
    assert gravest(nothing, (), Counted((port,)), alone=True).text == port.text
    assert gravest(nothing, (), Counted(), alone=True) == nothing


def test_a_few_events_are_no_headline() -> None:
    well, few = Verdict("ok", Sentence("No problem seen.")), Verdict("notice", Sentence("1 time-outs"))
    found = gravest(well, (), Counted((few,)), alone=False)
    assert found == replace(well, evidence=(few.text,))
