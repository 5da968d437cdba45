"""iperf3 is run within the cap, and what it says is taken as it is meant."""

import os
import shutil
import subprocess

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.probe.stream import Binding
from collectors.transfer import iperf3
from collectors.transfer.client import Moved
from collectors.transfer.talk import Gone
from collectors.transfer.wire import Ask
from tests.collectors.transfer.conftest import FAR, NEAR, Line
from tests.lab.bed import inside

ASK = Ask("tcp", up=True, down=False, flows=2, seconds=10.0, most_bytes=10**8)
REPORT = {
    "start": {"tcp_mss_default": 1448},
    "end": {
        "streams": [
            {"sender": {"max_snd_cwnd": 144_800, "mean_rtt": 30_000, "min_rtt": 9_000}, "receiver": {"bytes": 5}},
            {"sender": {"bytes": 4, "max_snd_cwnd": 144_800, "mean_rtt": 10_000}, "receiver": {"bytes": 3}},
        ],
        "sum_sent": {"seconds": 8.0, "bytes": 10_000_000, "retransmits": 7},
        "sum_received": {"seconds": 8.1, "bytes": 8_000_000},
        "sender_tcp_congestion": "cubic",
    },
}  # fmt: skip


def test_the_report_is_told_in_our_own_terms() -> None:
    moved = iperf3.moved(iperf3.read(msgspec.json.encode(REPORT)), ASK, "up")
    assert moved.up is not None
    assert (moved.up.bytes, moved.up.span_ns, moved.up.flow_bytes) == (8_000_000, 8_100_000_000, (5, 3))
    assert moved.up_sender is not None
    sender = moved.up_sender
    assert (sender.cc, sender.cwnd_packets, sender.rtt_us, sender.min_rtt_us) == ("cubic", 200, 20_000, 9_000)
    assert sender.bytes_retrans == 7 * 1448
    assert not moved.up_capped


def test_datagrams_are_told_with_their_loss() -> None:
    end = {"sum": {"seconds": 2.0, "bytes": 120_000, "jitter_ms": 0.25, "lost_packets": 4, "packets": 100}}
    ask = msgspec.structs.replace(ASK, protocol="udp", pace_bps=1_000_000, flows=1)
    moved = iperf3.moved(iperf3.read(msgspec.json.encode({"end": end})), ask, "down")
    assert moved.down is not None
    assert moved.down.datagrams is not None
    assert (moved.down.datagrams.sent, moved.down.datagrams.received, moved.down.datagrams.jitter_us) == (
        100,
        96,
        250,
    )
    assert moved.down.bytes == 96 * 1200


def test_the_cap_holds_whatever_the_line_can_do() -> None:
    words = iperf3.command(FAR, 5201, ASK, "down", Binding())
    rate = int(words[words.index("-b") + 1])
    assert rate * ASK.flows * ASK.seconds / 8 <= ASK.most_bytes
    assert int(words[words.index("-t") + 1]) + int(words[words.index("-O") + 1]) == 10
    assert "-R" in words


def test_it_takes_the_way_that_was_chosen_or_none() -> None:
    words = iperf3.command("fd99::2", 5201, ASK, "up", Binding("wg0", "fd99::1"))
    assert [words[words.index(option) + 1] for option in ("--bind-dev", "-B")] == ["wg0", "fd99::1"]
    assert "-6" in words
    with pytest.raises(Gone, match="by a mark"):
        iperf3.command(FAR, 5201, ASK, "up", Binding(mark=7))


@settings(max_examples=30)
@given(st.binary(max_size=100).filter(lambda text: not text.lstrip().startswith(b"{")))
def test_what_is_no_report_is_said(text: bytes) -> None:
    with pytest.raises(Gone, match="not its report"):
        iperf3.read(text)


def test_its_own_complaint_is_passed_on() -> None:
    with pytest.raises(Gone, match=r"iperf3 says: unable to connect\. At the other end, run: iperf3 -s"):
        iperf3.read(b'{"start":{},"end":{},"error":"unable to connect"}')


async def test_without_iperf3_the_way_to_get_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(Gone, match="apt install iperf3"):
        await iperf3.run(["iperf3"], ASK)


@pytest.mark.skipif(shutil.which("iperf3") is None, reason="iperf3 is not installed")
def test_a_real_one_measures_the_line(line: Line) -> None:
    ask = Ask("tcp", True, False, 1, 1.0, 10**6)
    found: list[Moved] = []
    with inside(line.far.name):
        server = subprocess.Popen(["iperf3", "-s", "-1", "-p", "5201", "--forceflush"], stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        os.read(server.stdout.fileno(), 1)  # it says that it listens

        async def body() -> None:
            words = iperf3.command(FAR, 5201, ask, "up", Binding("wan0", NEAR))
            found.append(iperf3.moved(await iperf3.run(words, ask), ask, "up"))

        line.near.run(body)
    finally:
        server.kill()
        server.communicate()
    (moved,) = found
    assert moved.up is not None
    assert 0 < moved.up.bytes <= 2 * ask.most_bytes
    assert moved.up_sender is not None
    assert moved.up_sender.cc
