"""Time to a full path of 20 hops beside mtr and traceroute, what 20 paths cost, and how exact hop times are.

Routers of a process of its own answer behind a TUN device, the furthest after 150 ms. Needs root, mtr, traceroute.
"""

import asyncio
import json
import resource
import subprocess
import time
from typing import NamedTuple

from analysis.samples import HopPath, Hops, Outcome
from collectors.clock import Clock
from collectors.hops.engine import HopEngine
from collectors.hops.route import TracedPath
from collectors.probe.stream import Binding
from tests.lab.bed import Bed, inside
from tests.lab.network import End, Router
from tests.lab.path import add_network

HOPS = 20
FAR_MS = 150.0
TARGETS = [f"10.210.0.{n}" for n in range(1, 21)]


class Cost(NamedTuple):
    """Probes told, processor time, errors of answered probes in ms (measured minus true)."""

    probes: int
    core_ratio: float
    errors_ms: list[float]

    def quantile(self, part: float) -> float:
        return self.errors_ms[min(int(len(self.errors_ms) * part), len(self.errors_ms) - 1)]


def true_ms(ttl: int) -> float:
    return FAR_MS * ttl / HOPS


def network() -> dict[str, End]:
    routers = tuple(Router(f"10.99.{ttl}.1", delay_ms=true_ms(ttl)) for ttl in range(1, HOPS))
    return dict.fromkeys(TARGETS, End(routers, delay_ms=FAR_MS))


async def first_path(protocol: str, port: int | None) -> float:
    """Return the seconds until every hop of one path is known, engine and sockets made within them."""
    clock, started = Clock(), time.monotonic()
    engine = HopEngine(clock)
    try:
        path = HopPath(0, 1, TARGETS[0], TARGETS[0], protocol, port)  # type: ignore[arg-type]
        engine.add(TracedPath(path, Binding()))
        engine.begin(1)
        while not engine.known(1):
            await asyncio.sleep(0.005)
            engine.tick()
        return time.monotonic() - started
    finally:
        engine.close()


async def cost(seconds: float) -> Cost:
    """Trace 20 paths of 20 hops at 1 Hz."""
    clock = Clock()
    engine = HopEngine(clock)
    errors, probes = [], 0
    try:
        for number, address in enumerate(TARGETS):
            engine.add(TracedPath(HopPath(0, number, address, address), Binding()))
            engine.begin(number)
        await asyncio.sleep(2.5)
        engine.tick()
        before, started = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        while time.monotonic() - started < seconds:
            await asyncio.sleep(0.25)
            batch = engine.tick()
            if batch is not None:
                probes += len(batch.path)
                errors += judged(batch)
        after, elapsed = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - started
    finally:
        engine.close()
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(probes, cpu_s / elapsed, sorted(errors))


def judged(batch: Hops) -> list[float]:
    rows = zip(batch.ttl, batch.outcome, batch.rtt_us, strict=True)
    return [
        rtt / 1000 - true_ms(ttl) for ttl, outcome, rtt in rows if outcome == Outcome.ANSWERED and rtt is not None
    ]


def peer(namespace: str, *argv: str) -> float:
    """Return how long a command runs in the namespace."""
    started = time.monotonic()
    subprocess.run(["ip", "netns", "exec", namespace, *argv], check=True, capture_output=True)
    return time.monotonic() - started


def mtr_errors(namespace: str, rounds: int) -> list[float]:
    """Return mtr's errors in ms, one for the best, mean and worst of each hop: it tells no single times."""
    argv = ["mtr", "-n", "-j", "-c", str(rounds), TARGETS[0]]
    done = subprocess.run(["ip", "netns", "exec", namespace, *argv], check=True, capture_output=True, text=True)
    hubs = json.loads(done.stdout)["report"]["hubs"]
    return sorted(hub[field] - true_ms(int(hub["count"])) for hub in hubs for field in ("Best", "Avg", "Wrst"))


def report(seconds: float = 20.0) -> list[str]:
    """Return the table, one row a line."""
    bed = Bed()
    try:
        namespace = bed.namespace()
        add_network(bed, namespace, network(), realtime=True, spin_us=300)
        with inside(namespace):
            ours = {
                protocol: sorted(asyncio.run(first_path(protocol, port)) for _ in range(3))[1]
                for protocol, port in (("icmp", None), ("udp", 33434), ("tcp", 443))
            }
            load = asyncio.run(cost(seconds))
        lines = [
            f"full path of {HOPS} hops, {protocol:<4}           {spent:7.3f} s   goal <= 1.5 s"
            for protocol, spent in ours.items()
        ]
        peers = {
            "mtr -n -c 1": ("mtr", "-n", "-r", "-c", "1", TARGETS[0]),
            "traceroute -n -I": ("traceroute", "-n", "-I", TARGETS[0]),
            "traceroute -n -q 1 -N 32": ("traceroute", "-n", "-q", "1", "-N", "32", TARGETS[0]),
        }
        lines += [f"  {name:<34} {peer(namespace, *argv):7.3f} s" for name, argv in peers.items()]
        lines.append(f"20 paths x {HOPS} hops at 1 Hz: core         {load.core_ratio * 100:7.2f} %   goal <= 15 %")
        lines.append(f"  probes a second                    {load.probes / seconds:7.1f}")
        lines.append(f"  hop error p50                      {load.quantile(0.5):7.3f} ms")
        lines.append(f"  hop error p99                      {load.quantile(0.99):7.3f} ms  goal <= 0.5 ms")
        errors = mtr_errors(namespace, 10)
        lines.append(f"  mtr alone on one path, worst error {errors[-1]:7.3f} ms")
    finally:
        bed.close()
    return lines


def main() -> None:
    print("\n".join(report()))


if __name__ == "__main__":
    main()
