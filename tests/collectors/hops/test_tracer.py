"""The collector traces every target slowly and what is looked at continuously, and says so when it may not."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest

from analysis.samples import HopPath, Hops, PathMtu, Sample, Series
from collectors.base import Unavailable
from collectors.clock import Clock
from collectors.hops.engine import HopEngine
from collectors.hops.tracer import HopTracer, Want
from collectors.routebook import RouteBook
from tests.lab.bed import Bed, inside
from tests.lab.network import End, Router
from tests.lab.path import add_network

TARGETS = {
    f"10.210.0.{n}": End((Router("10.99.1.1", delay_ms=2), Router("10.99.2.1", delay_ms=4)), delay_ms=6)
    for n in (1, 2)
}


async def collect(tracer: HopTracer, namespace: str, until: Callable[[Sequence[Sample]], bool]) -> list[Sample]:
    samples: list[Sample] = []
    with inside(namespace):
        running = asyncio.create_task(tracer.run(samples.append))
        try:
            async with asyncio.timeout(90):
                while not until(samples):
                    assert not running.done(), running.exception()
                    await asyncio.sleep(0.02)
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
    return samples


class Asked(NamedTuple):
    """One probe of a hop; `answered_ns` is None where no answer came in time."""

    ttl: int
    sent_ns: int
    answered_ns: int | None


def asked(samples: Sequence[Sample], address: str) -> list[Asked]:
    """The probes of an address, in order of being told."""
    ids = {sample.id for sample in samples if isinstance(sample, HopPath) and sample.address == address}
    found = []
    for batch in samples:
        if isinstance(batch, Hops):
            for path, ttl, age_us, rtt_us in zip(batch.path, batch.ttl, batch.age_us, batch.rtt_us, strict=True):
                sent_ns = batch.t - age_us * 1000
                if batch.paths[path] in ids:
                    found.append(Asked(ttl, sent_ns, None if rtt_us is None else sent_ns + rtt_us * 1000))
    return found


def ttls(samples: Sequence[Sample], address: str) -> list[int]:
    return [probe.ttl for probe in asked(samples, address)]


def was_known(probe: Asked, probes: Sequence[Asked]) -> bool:
    """Whether the hop had answered another probe before this one was sent."""
    return any(
        other.ttl == probe.ttl and other.answered_ns is not None and other.answered_ns < probe.sent_ns
        for other in probes
    )


@pytest.mark.netns
async def test_a_target_gets_one_round_and_what_is_looked_at_gets_many(bed: Bed) -> None:
    namespace = bed.namespace()
    add_network(bed, namespace, TARGETS)
    tracer = HopTracer(Clock(), RouteBook())
    for n in (1, 2):
        tracer.see(Series(0, n, f"t{n}", f"10.210.0.{n}"))
    tracer.see(Series(0, 3, "gateway", "10.210.0.3", role="gateway"))
    watched = Want("t2", "10.210.0.2")
    tracer.request(watched)

    def enough(samples: Sequence[Sample]) -> bool:
        return len(ttls(samples, "10.210.0.2")) >= 12 and any(isinstance(sample, PathMtu) for sample in samples)

    samples = await collect(tracer, namespace, enough)
    slow, quick = asked(samples, "10.210.0.1"), asked(samples, "10.210.0.2")
    assert {1, 2, 3} <= {probe.ttl for probe in slow}
    assert not any(was_known(probe, slow) for probe in slow), "every hop once, again only if it was not heard"
    assert any(was_known(probe, quick) for probe in quick)
    assert not ttls(samples, "10.210.0.3"), "gateways are one hop away"
    (mtu,) = (sample for sample in samples if isinstance(sample, PathMtu))
    assert mtu.mtu == 9216
    paths = [sample for sample in samples if isinstance(sample, HopPath)]
    assert {path.id for path in paths} == {path.id for path in paths if path.ended}, "every path begun is ended"
    first = next(at for at, sample in enumerate(samples) if isinstance(sample, Hops))
    assert any(isinstance(sample, HopPath) for sample in samples[:first])


@pytest.mark.netns
async def test_what_nobody_looks_at_any_more_is_ended(bed: Bed) -> None:
    namespace = bed.namespace()
    add_network(bed, namespace, TARGETS)
    tracer = HopTracer(Clock(), RouteBook())
    want = Want("t1", "10.210.0.1")
    tracer.request(want)
    asked = False

    def ended(samples: Sequence[Sample]) -> bool:
        nonlocal asked
        if not asked and ttls(samples, "10.210.0.1"):
            tracer.release(want)
            asked = True
        return any(isinstance(sample, HopPath) and sample.ended for sample in samples)

    samples = await collect(tracer, namespace, ended)
    assert isinstance(samples[-1], HopPath)


async def test_without_privileges_it_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(HopEngine, "check", refuse)
    tracer = HopTracer(Clock(), RouteBook())
    assert tracer.needs()[0].command == "sudo longpipe"
    with pytest.raises(Unavailable) as caught:
        await tracer.run(lambda sample: None)
    assert caught.value.permanent
    assert "sudo longpipe" in str(caught.value.problem)
