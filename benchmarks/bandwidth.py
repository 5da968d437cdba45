"""What our own test moves over a virtual cable, beside iperf3 in the same minute, and the processor time of both.

Both ends share this box's cores, so the figures compare programs, not lines. Needs root and iperf3.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from collectors.probe.stream import Binding
from collectors.transfer.client import Caller
from collectors.transfer.wire import Ask
from tests.lab.bed import Bed, inside

SECONDS = 2.0
ROUNDS = 3
NEAR, FAR = "10.199.0.1", "10.199.0.2"
MUCH = 1 << 40
PORT, IPERF3_PORT = 5209, 5201
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Figure(NamedTuple):
    """Payload at the receiver, share of datagrams lost, processor time of both ends for each GiB."""

    gbps: float
    loss: float
    cpu_s_per_gib: float


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def own_cpu_s(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


async def ours(ask: Ask, server: int) -> Figure:
    before = own_cpu_s(resource.RUSAGE_SELF) + cpu_s(server)
    caller = await Caller.call(FAR, PORT, Binding(), "benchmark")
    moved = await caller.move(ask)
    caller.close()
    used = own_cpu_s(resource.RUSAGE_SELF) + cpu_s(server) - before
    arrived = moved.up or moved.down
    assert arrived is not None
    counts = arrived.datagrams
    loss = 1 - counts.received / counts.sent if counts else 0.0
    return Figure(arrived.bytes * 8 / arrived.span_ns, loss, used / arrived.moved_bytes * 2**30)


def theirs(ask: Ask, server: int) -> Figure:
    words = ["iperf3", "-c", FAR, "-p", str(IPERF3_PORT), "-J", "-t", str(int(SECONDS)), "-P", str(ask.flows)]
    words += ["-R"] if ask.down else []
    words += ["-u", "-l", str(ask.payload_bytes), "-b", str(ask.pace_bps)] if ask.pace_bps else []
    before = own_cpu_s(resource.RUSAGE_CHILDREN) + cpu_s(server)
    done = subprocess.run(words, capture_output=True, check=True)
    used = own_cpu_s(resource.RUSAGE_CHILDREN) + cpu_s(server) - before
    end = json.loads(done.stdout)["end"]
    if ask.pace_bps:
        total = end["sum"]
        loss = total["lost_packets"] / total["packets"]
        received = total["bytes"] * (1 - loss)
        return Figure(received * 8e-9 / total["seconds"], loss, used / received * 2**30)
    total = end["sum_received"]
    return Figure(total["bits_per_second"] / 1e9, 0.0, used / total["bytes"] * 2**30)


ASKS = {
    "TCP, 1 flow, up": Ask("tcp", True, False, 1, SECONDS, MUCH),
    "TCP, 1 flow, down": Ask("tcp", False, True, 1, SECONDS, MUCH),
    "TCP, 4 flows, up": Ask("tcp", True, False, 4, SECONDS, MUCH),
    "UDP, 100 Mb/s asked, 1200 B": Ask("udp", True, False, 1, SECONDS, MUCH, 100_000_000),
    "UDP, 1 Gb/s asked, 1200 B": Ask("udp", True, False, 1, SECONDS, MUCH, 1_000_000_000),
    "UDP, 3 Gb/s asked, 1200 B": Ask("udp", True, False, 1, SECONDS, MUCH, 3_000_000_000),
    "UDP, 10 Gb/s asked, 8000 B": Ask("udp", True, False, 1, SECONDS, MUCH, 10_000_000_000, 8000),
}


def best(found: list[Figure]) -> Figure:
    return max(found, key=lambda figure: figure.gbps)


def main() -> int:
    bed = Bed()
    try:
        near, far = bed.namespace(), bed.namespace()
        bed.veth((near, "va", f"{NEAR}/24"), (far, "vb", f"{FAR}/24"))
        for namespace, interface in ((near, "va"), (far, "vb")):
            bed.ip(namespace, f"link set dev {interface} mtu 9000")
        own = bed.start(far, "tests.lab.bandwidth_end", str(PORT), "4", str(1 << 50), "60").pid
        with inside(far):
            their = subprocess.Popen(["iperf3", "-s", "-p", str(IPERF3_PORT), "--forceflush"], stdout=subprocess.PIPE)
        assert their.stdout is not None
        os.read(their.stdout.fileno(), 1)
        print(f"{'':28}  {'longpipe':>26}  {'iperf3':>26}  ratio", file=sys.stdout)
        with inside(near):
            for name, ask in ASKS.items():
                pairs = [(asyncio.run(ours(ask, own)), theirs(ask, their.pid)) for _ in range(ROUNDS)]
                mine, other = best([pair[0] for pair in pairs]), best([pair[1] for pair in pairs])
                print(f"{name:28}  {told(mine)}  {told(other)}  {mine.gbps / other.gbps:5.2f}", flush=True)
        their.kill()
        their.communicate()
    finally:
        bed.close()
    return 0


def told(figure: Figure) -> str:
    return f"{figure.gbps:5.2f} Gb/s {figure.loss:5.1%} {figure.cpu_s_per_gib:4.2f} s/GiB"


if __name__ == "__main__":
    sys.exit(main())
