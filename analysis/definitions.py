"""Samples that stay in force until the next of their kind: what a reader must know to begin in the middle."""

from collections.abc import Hashable, Iterable

from analysis.samples import (
    BandwidthRun,
    Facts,
    FecRun,
    Health,
    HopPath,
    LinkInfos,
    Name,
    PathMtu,
    Ports,
    Prober,
    Qdiscs,
    Rdma,
    Routes,
    Sample,
    Series,
    Service,
)
from analysis.transfer.results import run_key


def definition_key(sample: Sample) -> Hashable | None:
    """Return what a later sample with the same key replaces, or None for a sample that is only an observation."""
    match sample:
        case Series():
            return Series, sample.id
        case HopPath():
            return HopPath, sample.id
        case PathMtu():
            return PathMtu, sample.path
        case Name():
            return Name, sample.target
        case Service():
            return Service, sample.name
        case Ports():
            return Ports, sample.host
        case Prober():
            return Prober, sample.family
        case Health():
            return Health, sample.collector
        case BandwidthRun() | FecRun():
            return type(sample), run_key(sample)
        case Routes() | LinkInfos() | Facts() | Qdiscs() | Rdma():
            return type(sample)
        case _:
            return None


def in_force(samples: Iterable[Sample]) -> dict[Hashable, Sample]:
    """Return the definitions in force after `samples`, in the order in which their keys first came."""
    known: dict[Hashable, Sample] = {}
    for sample in samples:
        if (key := definition_key(sample)) is not None:
            known[key] = sample
    return known
