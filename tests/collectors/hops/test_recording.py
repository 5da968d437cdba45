"""Hop samples are recorded, begun in the middle, and exported without names and addresses."""

import msgspec

from analysis.definitions import in_force
from analysis.samples import AnySample, HopAnswer, HopKind, HopPath, Hops, PathMtu, Sample
from collectors.session.redact import Redactor

PATH = HopPath(1, 7, "far.example", "198.51.100.7", "udp", 4791, 49152, 8, "eth0 10.0.0.1", "10.0.0.2")
HOPS = Hops(
    2,
    paths=(7,),
    path=(0, 0),
    ttl=(1, 2),
    flow=(0, 0),
    age_us=(100, 200),
    outcome=(0, 1),
    rtt_us=(1500, None),
    answer=(0, None),
    answers=(HopAnswer("203.0.113.9", HopKind.EXCEEDED, 0, 254, 104, 1, (16,)),),
)
MTU = PathMtu(3, 7, 1400, 1401, said_mtu=1400, said_by="203.0.113.9")
SAMPLES: list[Sample] = [PATH, HOPS, MTU]


def test_they_come_back_as_they_were() -> None:
    for sample in SAMPLES:
        assert msgspec.json.decode(msgspec.json.encode(sample), type=AnySample) == sample


def test_a_reader_that_begins_in_the_middle_knows_the_path_and_its_mtu() -> None:
    assert list(in_force(SAMPLES).values()) == [PATH, MTU]


def test_an_export_without_names_has_none_of_them() -> None:
    redactor = Redactor()
    for sample in SAMPLES:
        redactor.learn(sample)
    hidden = [redactor.sample(sample) for sample in SAMPLES]
    text = msgspec.json.encode(hidden).decode()
    for name in ("far.example", "198.51.100.7", "203.0.113.9", "10.0.0.2", "10.0.0.1", "eth0"):
        assert name not in text
    hops = hidden[1]
    assert isinstance(hops, Hops)
    assert (hops.ttl, hops.rtt_us, hops.answers[0].labels) == (HOPS.ttl, HOPS.rtt_us, (16,))
    mtu = hidden[2]
    assert isinstance(mtu, PathMtu)
    assert mtu.said_by == hops.answers[0].address
