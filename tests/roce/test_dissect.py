"""The packet a person opens: every field named; and scapy agrees with our own decoder."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.roce import opcodes
from analysis.roce.decode import decode
from analysis.roce.fold import Fold
from analysis.roce.pairs import Pairs
from analysis.roce.traits import ACK_REQ
from collectors.dissect import dissect
from collectors.pcapfile.scalar import records
from collectors.pcapfile.source import open_source
from collectors.pcapfile.summary import summarise
from tests.roce.captures import pcap, reader, roce

FIXTURES = Path(__file__).parents[1] / "fixtures" / "captures"


def named(data: bytes, link: int = 1, length: int | None = None) -> dict[str, dict[str, str]]:
    return {layer.name: {field.name: field.value for field in layer.fields} for layer in dissect(data, link, length)}


def test_a_read_request_shows_what_it_asks_for() -> None:
    reth = struct.pack(">QII", 0x7F0000001000, 0x1234, 65536)
    layers = named(roce(0x0C, qpn=0x11, psn=77, body=reth))
    assert list(layers) == ["Ethernet", "IP", "UDP", "BTH", "RETH", "ICRC"]
    assert layers["BTH"]["opcode"] == "0x0c RC READ Request"
    assert layers["BTH"]["psn"] == "77"
    assert layers["RETH"] == {
        "virtual_address": "0x00007f0000001000",
        "r_key": "0x00001234",
        "dma_length": "0x00010000",
    }


def test_a_receiver_that_is_not_ready_shows_how_long_to_wait() -> None:
    layers = named(roce(0x11, body=bytes((0x2C, 0, 0, 9))))
    assert layers["AETH"] == {"syndrome": "0x2c rnr_nak 0.64 ms", "msn": "0x000009"}


def test_connection_management_shows_who_connects_to_what() -> None:
    asked = first_to_qp1("rdmacm_write", "CM REQ")
    answered = first_to_qp1("rdmacm_write", "CM REP")
    assert list(asked)[3:] == ["BTH", "DETH", "MAD", "CM REQ", "Payload", "ICRC"]
    assert (asked["MAD"]["management_class"], asked["MAD"]["attribute_id"]) == ("0x07", "0x0010")
    assert asked["DETH"]["source_qp"] == "0x000001"
    assert answered["CM REP"]["remote_communication_id"] == asked["CM REQ"]["local_communication_id"]
    with open_source(str(FIXTURES / "rdmacm_write.pcap")) as source:
        fold = Fold()
        summarise(source, fold)
    told = {connect.kind: connect for connect in reversed(fold.connects)}
    for kind, message in (("req", asked["CM REQ"]), ("rep", answered["CM REP"])):
        assert int(message["local_qpn"], 16) == told[kind].qpn
        assert int(message["local_communication_id"], 16) == told[kind].local_id


@pytest.mark.parametrize("size", range(0, 110, 7))
def test_a_management_datagram_cut_anywhere_shows_only_whole_headers(size: int) -> None:
    datagram = bytes((1, 7, 2, 3)) + bytes(12) + b"\0\x10" + bytes(100)
    frame = roce(0x64, qpn=1, body=bytes(8) + datagram)
    layers = named(frame[: 62 + size], length=len(frame))
    assert ("MAD" in layers, "CM REQ" in layers) == (size >= 24, size >= 24 + 51)


def first_to_qp1(capture: str, message: str) -> dict[str, dict[str, str]]:
    with open_source(str(FIXTURES / f"{capture}.pcap")) as source:
        opened = (named(record.data, record.link, record.length) for record in records(source))
        return next(layers for layers in opened if message in layers)


def test_a_packet_that_was_cut_shows_no_icrc() -> None:
    data = roce(0x04, body=bytes(100))
    layers = named(data[:80], length=len(data))
    assert "ICRC" not in layers
    assert layers["Payload"]["bytes"] == "26"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=120), st.sampled_from([1, 12, 101, 113, 276, 999]))
def test_garbage_is_shown_and_does_not_raise(data: bytes, link: int) -> None:
    assert isinstance(dissect(data, link), tuple)


@pytest.mark.parametrize("name", ["syn_all_opcodes", "syn_aeth_all", "ipv6_loss1", "syn_rocev1", "syn_pfc"])
def test_scapy_sees_what_the_decoder_sees(name: str) -> None:
    path = FIXTURES / f"{name}.pcap"
    if not path.exists():
        pytest.skip("not among the captures kept here")
    with open_source(str(path)) as source:
        some = [record for record, _ in zip(records(source), range(120), strict=False)]
    data = pcap([record.data for record in some])
    for frames in reader(data):
        packets = decode(frames, Pairs()).packets
        rows = dict(zip(packets.number.tolist(), range(len(packets)), strict=True))
        for number, record in enumerate(some, 1):
            layers = named(record.data, record.link, record.length)
            assert ("BTH" in layers) == (number in rows)
            if number in rows:
                check(layers, packets, rows[number])


def check(layers: dict[str, dict[str, str]], packets: object, row: int) -> None:
    def value(column: str) -> int:
        return int(np.asarray(getattr(packets, column))[row])

    bth = layers["BTH"]
    assert int(bth["opcode"][:4], 16) == value("opcode")
    assert opcodes.name(value("opcode")) in bth["opcode"]
    assert (int(bth["dqpn"]), int(bth["psn"])) == (value("qpn"), value("psn"))
    assert bool(int(bth["ackreq"])) == bool(value("traits") & ACK_REQ)
    if "AETH" in layers:
        assert int(layers["AETH"]["syndrome"][:4], 16) == value("syndrome")
    if "RETH" in layers:
        assert int(layers["RETH"]["dma_length"], 16) in (value("dma_bytes"), 0)
    if "IP" in layers:
        assert int(layers["IP"]["tos"], 16) == value("tos")
