"""What one TCP flow can carry, and what holds it back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.throughput import bbr_bps, cubic_bps, flows_needed, loss_bound, mathis_bps, predict, reason
from analysis.window import Window

LONG = Window(0, 1, answered=990, lost=10, p50_us=150_000)
CLEAN = Window(0, 1, answered=600, p50_us=150_000)

rtts = st.floats(0.0001, 2)
losses = st.floats(1e-6, 1)


@pytest.mark.parametrize(("loss", "mbps"), [(1e-5, 30.2), (1e-4, 9.54), (1e-3, 3.02), (1e-2, 0.954), (5e-2, 0.426)])
def test_mathis_at_150_ms(loss: float, mbps: float) -> None:
    assert mathis_bps(0.15, loss) / 1e6 == pytest.approx(mbps, rel=2e-3)


@given(rtts, losses, st.floats(1, 10))
def test_loss_and_distance_never_help(rtt: float, loss: float, factor: float) -> None:
    for model in (mathis_bps, cubic_bps):
        assert model(rtt, loss) >= model(rtt * factor, loss) * (1 - 1e-9)
        assert model(rtt, loss) >= model(rtt, min(1.0, loss * factor)) * (1 - 1e-9)
    assert cubic_bps(rtt, loss) >= mathis_bps(rtt, loss)


def test_cubic_as_rfc_9438_tabulates_it() -> None:
    # section 5.1, the table for an RTT of 0.1 s, average window in segments of 1500 bytes
    for loss, segments in ((1e-4, 187), (1e-6, 5926), (1e-8, 187_396)):
        assert cubic_bps(0.1, loss, 1500) * 0.1 / 8 / 1500 == pytest.approx(segments, rel=5e-3)


def test_bbr_holds_the_link_until_it_collapses() -> None:
    assert bbr_bps(1e8, 0.01) == pytest.approx(99e6)
    assert bbr_bps(1e8, 0.15) is None


def test_a_cliff_that_a_linear_score_hides() -> None:
    cubic, bbr = predict("cubic", LONG, link_bps=1e8), predict("bbr", LONG, link_bps=1e8)
    assert cubic is not None
    assert bbr is not None
    assert (cubic.limit, cubic.at_least) == ("loss", False)
    assert cubic.rate_bps == pytest.approx(0.954e6, rel=1e-3)
    assert bbr.rate_bps == pytest.approx(99e6)
    assert flows_needed(cubic, 20e6) == 21
    assert flows_needed(bbr, 20e6) is None


def test_no_loss_seen_is_not_no_loss() -> None:
    found = predict("reno", CLEAN)
    assert found is not None
    assert (found.at_least, found.loss_ratio, found.limit) == (True, 3 / 600, "loss")
    assert "below 0.50%" in str(reason(found))


def test_buffers_and_links_hold_too() -> None:
    by_window = predict("cubic", CLEAN, link_bps=1e9, window_bytes=4096)
    assert by_window is not None
    assert (by_window.limit, by_window.at_least) == ("window", False)
    assert by_window.rate_bps == pytest.approx(4096 * 8 / 0.15)
    by_link = predict("cubic", LONG, link_bps=1e5)
    assert by_link is not None
    assert (by_link.limit, by_link.rate_bps) == ("link", 1e5)


def test_what_cannot_be_told_is_not_told() -> None:
    assert predict("cubic", Window(0, 1, lost=10)) is None
    few = predict("bbr", Window(0, 1, answered=5, p50_us=1000), link_bps=1e9)
    assert few is not None
    assert (few.rate_bps, few.limit) == (None, None)
    assert "too few" in str(reason(few))
    unknown = predict("bbr", CLEAN)
    assert unknown is not None
    assert unknown.rate_bps is None
    assert "not measured" in str(reason(unknown))
    broken = predict("bbr", Window(0, 1, answered=70, lost=30, p50_us=1000), link_bps=1e9)
    assert broken is not None
    assert (broken.rate_bps, broken.limit) == (None, "loss")
    assert "30%" in str(reason(broken))


@given(st.sampled_from(("reno", "cubic", "bbr")), st.integers(1, 500), st.integers(0, 500), st.integers(0, 10**6))
def test_no_prediction_is_above_what_is_known_to_limit(control: str, answered: int, lost: int, p50_us: int) -> None:
    window = Window(0, 1, answered=answered, lost=lost, p50_us=p50_us)
    found = predict(control, window, link_bps=1e7, window_bytes=65_536)  # type: ignore[arg-type]
    assert found is not None
    if found.rate_bps is not None:
        assert 0 < found.rate_bps <= min(1e7, 65_536 * 8e6 / max(1, p50_us)) * (1 + 1e-9)
    assert "{" not in str(reason(found))


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_the_loss_that_is_used_is_never_zero(lost: int, more: int) -> None:
    assert lost / max(1, lost + more) <= loss_bound(lost, lost + more) <= 1
    assert loss_bound(lost, lost + more) > 0
