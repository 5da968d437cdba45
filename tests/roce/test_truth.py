"""The report equals what tshark and an independent ICRC check said of captures of real and built traffic.

Where tshark is known to differ from the definitions, the truth is corrected here, with the reason.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis.roce import opcodes
from analysis.roce.flow_report import quantiles
from analysis.roce.fold import Fold
from analysis.roce.report import report
from analysis.roce.rows import ACK
from analysis.roce.schema import Report
from collectors.pcapfile.source import open_source
from collectors.pcapfile.summary import summarise, told

FIXTURES = Path(__file__).parents[1] / "fixtures" / "captures"
SHARED = Path(__file__).parents[3] / "shared" / "captures"
PSN = ("packets", "repeats", "behind", "gap_events", "gap_psns", "missing")


def captures() -> Iterator[Any]:
    names = set()
    for folder in (FIXTURES, SHARED):
        for truth in sorted(folder.glob("*.json")):
            for capture in (truth.with_suffix(".pcap"), truth.with_suffix(".pcapng")):
                if capture.exists() and capture.name not in names:
                    names.add(capture.name)
                    yield pytest.param(capture, id=capture.stem)
    if not SHARED.exists():
        yield pytest.param(None, id="shared", marks=pytest.mark.skip(reason="the large captures are not here"))


@pytest.fixture(params=list(captures()))
def case(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any], Fold, Report]:
    path: Path = request.param
    truth = json.loads(path.with_suffix(".json").read_text())["truth"]
    fold = Fold()
    with open_source(str(path)) as source:
        info = summarise(source, fold)
    return path.stem, truth, fold, report(fold, told(info))


def true_flows(truth: dict[str, Any]) -> dict[str, dict[str, Any]]:
    flows: dict[str, dict[str, Any]] = truth.get("flow_psn_icrc_ok_only", truth.get("flow_psn", {}))
    # tshark takes UDP from port 4791 for RoCE; the flow to QP 0 is made of such packets
    return {
        name: flow
        for name, flow in flows.items()
        if not ("0x000000" in name and truth["file"] == "syn_odd_encap.pcap")
    }


def test_a_capture_gives_the_true_report(case: tuple[str, dict[str, Any], Fold, Report]) -> None:
    name, truth, fold, told_report = case
    assert told_report.packets == truth["packets"]
    if not truth["packets"]:
        return
    assert told_report.wire_bytes == truth["wire_bytes"]
    assert told_report.duration_s == pytest.approx(truth["duration_s"], abs=1e-6)
    assert told_report.capture.backward_timestamps == truth["backward_timestamps"]
    assert told_report.capture.snaplen_cut == truth["cut_packets"]
    check_counts(name, truth, told_report)
    check_flows(truth, told_report)
    check_round_trips(truth, fold)


def check_counts(name: str, truth: dict[str, Any], told_report: Report) -> None:
    source_port_only = 20 if name == "syn_odd_encap" else 0
    assert told_report.roce_packets == truth["roce_packets"] - source_port_only
    packets = {int(key[:4], 16): n for key, n in truth["opcodes"].items()}
    wire_bytes = {int(key[:4], 16): n for key, n in truth["opcode_wire_bytes"].items()}
    if source_port_only:
        assert truth["udp_src_ports"]["4791"] == source_port_only
        assert packets.pop(0x00) == source_port_only
        wire_bytes.pop(0x00)
    got = {int(op, 16): one for op, one in told_report.opcodes.items()}
    assert {op: one.packets for op, one in got.items()} == packets
    assert {op: one.wire_bytes for op, one in got.items() if op != 0x04} == {
        op: n for op, n in wire_bytes.items() if op != 0x04
    }
    qps = {qp: n for qp, n in truth["dest_qps"].items() if not (source_port_only and qp == "0x000000")}
    assert told_report.dest_qps == qps
    ecn = told_report.ecn
    assert [ecn.not_ect, ecn.ect1, ecn.ect0, ecn.ce] == [
        truth["ecn_roce"].get(str(i), 0) - (source_port_only if i == 0 else 0) for i in range(4)
    ]
    assert sum(told_report.dscp.values()) == sum(truth["dscp_roce"].values()) - source_port_only
    assert told_report.vlan_pcp == truth["vlan_pcp"]
    assert told_report.cnp.packets == truth["cnp_packets"]
    assert {f"{one.src}>{one.dst}>{one.dest_qpn}": one.packets for one in told_report.cnp.by_flow} == truth[
        "cnp_by_flow"
    ]
    syndromes: dict[str, int] = dict.fromkeys(told_report.aeth, 0)
    for key, n in truth["aeth_syndromes"].items():
        syndromes[aeth_key(key)] += n
    assert told_report.aeth == syndromes
    if "note" not in truth["icrc"]:
        icrc = told_report.icrc
        assert [icrc.good, icrc.bad, icrc.unchecked, icrc.runt] == [
            truth["icrc"].get(key, 0) for key in ("good", "bad", "unchecked", "runt")
        ]
    assert told_report.pfc.frames == truth["mac_control_opcodes"].get("0x0101", 0)
    assert told_report.pfc.global_pause == truth["mac_control_opcodes"].get("0x0001", 0)


def aeth_key(tshark: str) -> str:
    if tshark == "ACK":
        return "ack"
    if tshark.startswith("RNR"):
        return "rnr_nak"
    key = tshark.lower().replace("nak ", "nak_")
    return key if key in opcodes.AETH_NAMES else "reserved"


def check_flows(truth: dict[str, Any], told_report: Report) -> None:
    expected = true_flows(truth)
    got = {
        f"{f.src}>{f.dst}>{f.dest_qpn} {'?' if f.transport == 'other' else f.transport} {f.kind}": f
        for f in told_report.flows
    }
    assert set(got) == set(expected)
    for key, flow in expected.items():
        for part in (*PSN, "first_psn", "last_psn", "wrapped"):
            assert getattr(got[key], part) == flow[part], (key, part)
    totals = {part: sum(flow[part] for flow in expected.values()) for part in PSN}
    assert {part: getattr(told_report.psn_totals, part) for part in PSN} == totals


def check_round_trips(truth: dict[str, Any], fold: Fold) -> None:
    """Per host pair, where the truth knew which QPs belong together (we may know more, from matching PSNs)."""
    samples = fold.trips.samples()
    facts = fold.flows.facts
    for key, expected in truth["ack_rtt_us"].items():
        mine = [
            i
            for i, flow in enumerate(samples.flow.tolist())
            if ">".join(fold.pairs.names(int(facts.pair[flow]))) == key and samples.kind[i] == ACK
        ]
        got = quantiles(samples.rtt_ns[mine])
        assert got.n == expected["n"]
        for part in ("min", "p50", "p99", "max"):
            assert getattr(got, part) == pytest.approx(expected[part], abs=0.6)
