"""Older kernels and poorer devices: what they do not give is said, and the times stay true."""

import asyncio
import errno

import pytest

from analysis.samples import Outcome
from collectors.clock import Clock
from collectors.privilege import PING_GROUPS
from collectors.probe import icmp, stamps
from collectors.probe.abilities import Ability, missing
from collectors.probe.engine import PROVEN, Engine
from collectors.probe.stream import Binding
from tests.lab.bed import Bed, inside
from tests.lab.path import add_targets
from tests.lab.probing import at_least, outcomes, rows, series, watch
from tests.lab.responder import Behaviour

NO_SUCH_OPTION = 9999


@pytest.mark.netns
@pytest.mark.parametrize("protocol", ["icmp", "udp"])
@pytest.mark.parametrize("lacking", [[], ["SO_TIMESTAMPING"], ["SO_TIMESTAMPING", "SO_TIMESTAMPNS"]])
async def test_times_stay_true_with_whatever_stamps_there_are(
    bed: Bed, monkeypatch: pytest.MonkeyPatch, protocol: str, lacking: list[str]
) -> None:
    monkeypatch.setattr(stamps, "_takes_keys", lambda: False)
    for option in lacking:
        monkeypatch.setattr(stamps, option, NO_SUCH_OPTION)
    namespace = bed.namespace()
    add_targets(bed, namespace, {"10.200.0.1": Behaviour(delay_ms=10)})
    one = series("10.200.0.1", protocol=protocol, port=33434)
    seen = await watch(one, until=at_least(5, Outcome.ANSWERED), namespace=namespace)
    assert set(outcomes(seen)) == {Outcome.ANSWERED}
    assert all(told.rtt_ms >= 10 for told in seen)


@pytest.mark.netns
@pytest.mark.parametrize("returned", [True, False])
async def test_a_device_that_stamps_nothing_on_sending_is_found_out(
    bed: Bed, monkeypatch: pytest.MonkeyPatch, returned: bool
) -> None:
    monkeypatch.setattr(stamps, "_takes_keys", lambda: False)
    if not returned:
        monkeypatch.setattr(icmp, "returned_seq", lambda *_: None)
    namespace = bed.namespace()
    with inside(namespace):
        engine = Engine(Clock())
        assert engine.icmp(4) == Ability("raw", "kernel")
        engine.add(series("127.0.0.1", interval_ns=2_000_000), Binding())
        await _settled(engine, PROVEN)
        now = engine.icmp(4)
        engine.close()
    assert now == Ability("raw", "kernel" if returned else "kernel-rx")
    assert (missing(now) is None) == returned


async def _settled(engine: Engine, count: int) -> None:
    told: list = []
    while len(told) < count:
        await asyncio.sleep(0.005)
        told += rows(engine.tick())


def test_a_kernel_without_ipv6_is_not_called_forbidden() -> None:
    assert "no IPv6" in str(missing(Ability("none", "user", errno.errorcode[errno.EAFNOSUPPORT])))
    assert PING_GROUPS in str(missing(Ability("none", "user", "EACCES")))
    assert missing(Ability("dgram", "kernel")) is None
    assert missing(Ability("raw", "user"))
