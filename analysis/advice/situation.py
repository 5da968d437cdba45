"""What the rules look at: facts, bulk flows, growth of counters and measured paths, frozen at one time."""

from collections.abc import Iterator

import msgspec

from analysis.advice.plan import Evidence, Goal
from analysis.samples import Fact, TcpFlow
from analysis.text import N_, Sentence, say


class Missing(Exception):
    """A rule asked for something that is not known; the engine turns it into an `Unknown`."""

    def __init__(self, why: Sentence) -> None:
        super().__init__(str(why))
        self.why = why


class Path(msgspec.Struct, frozen=True):
    """One target over one route: p50 and lowest round trip in µs, losses among `settled` probes."""

    target: str
    address: str
    route: str = ""
    interface: str | None = None
    rtt_us: int | None = None
    min_rtt_us: int | None = None
    settled: int = 0
    lost: int = 0
    largest_bytes: int | None = None
    """Largest packet that passed both ways unfragmented (two-way DF proof)."""
    capped: bool = False
    """Whether that is what this box's own interface lets out, so that nothing larger could be tried."""
    silent_above_bytes: int | None = None
    """Packets above this size vanish without an ICMP error: a black hole."""


class Shape(msgspec.Struct, frozen=True):
    """The person asks to hold what leaves `interface` to a rate."""

    interface: str
    bps: int


class Bond(msgspec.Struct, frozen=True):
    """The person asks for a new bond. `address` with prefix length, "" where none was told."""

    name: str
    members: tuple[str, ...]
    mode: str = "active-backup"
    address: str = ""


class Growth(msgspec.Struct, frozen=True):
    """By how much running totals grew within `seconds`; per-core tuples are indexed by core.

    `tcp` by the kernel's names ("TcpExtListenDrops"); `nic` by "<interface>.<counter>" ("eth0.rx_out_of_buffer");
    `rdma` by "<device>.<counter>". `interrupts`: calls to receive packets (softirq NET_RX) of each core.
    `softirq_ratio`: share of each core spent in softirq, 0 to 1.
    """

    seconds: float
    """Of what the host's own counters were read over; RDMA and NIC counters may have been read over less."""
    tcp: dict[str, int] = {}
    softnet_processed: tuple[int, ...] = ()
    softnet_dropped: tuple[int, ...] = ()
    softnet_squeezed: tuple[int, ...] = ()
    softirq_ratio: tuple[float, ...] = ()
    busy_ratio: tuple[float, ...] = ()
    interrupts: tuple[int, ...] = ()
    nic: dict[str, int] = {}
    rdma: dict[str, int] = {}


class Situation(msgspec.Struct, frozen=True):
    """Everything advice rests on. `flows` and `growth` are None where they were not observed.

    `bandwidth_bps`: the measured bottleneck of the path. `wanted_bps`: what the person asked the box to carry.
    """

    time_ns: int = 0
    facts: dict[str, Fact] = {}
    goal: Goal = "none"
    flows: tuple[TcpFlow, ...] | None = None
    growth: Growth | None = None
    paths: tuple[Path, ...] = ()
    bandwidth_bps: int | None = None
    wanted_bps: int | None = None
    shape: Shape | None = None
    bond: Bond | None = None

    @property
    def container(self) -> bool:
        """Whether this box is a container, whose host-wide settings belong to somebody else."""
        return self.find("container") not in {None, "", "none"}

    def find(self, key: str) -> str | None:
        """Return the value of fact `key`, None where it is not known."""
        fact = self.facts.get(key)
        return None if fact is None else fact.value

    def text(self, key: str) -> str:
        """Return the value of fact `key`; raise `Missing` with the collector's own reason where there is none."""
        value = self.find(key)
        if value is not None:
            return value
        fact = self.facts.get(key)
        if fact is not None and fact.problem is not None:
            raise Missing(fact.problem)
        raise Missing(say(N_("“{key}” was not read on this box."), key=key))

    def numbers(self, key: str) -> tuple[int, ...]:
        """Return the whole numbers of fact `key` ("4096 131072 6291456"); raise `Missing` where they are not."""
        text = self.text(key)
        try:
            values = tuple(int(part) for part in text.split())
        except ValueError:
            values = ()
        if not values:
            raise Missing(say(N_("“{key}” says “{value}”, which is not a number."), key=key, value=text))
        return values

    def number(self, key: str) -> int:
        """Return the first whole number of fact `key`; raise `Missing` where there is none."""
        return self.numbers(key)[0]

    def find_number(self, key: str) -> int | None:
        """Return the first whole number of fact `key`, None where it is not known."""
        try:
            return self.number(key)
        except Missing:
            return None

    def observed(self) -> Growth:
        """Return the growth of counters; raise `Missing` where only one reading, or none, was taken."""
        if self.growth is None:
            raise Missing(say(N_("Counters were read only once: growth takes two readings some seconds apart.")))
        return self.growth

    def named(self, prefix: str, attribute: str) -> Iterator[str]:
        """Yield the names X for which a fact "<prefix>.X.<attribute>" exists. X may contain dots ("eth0.100")."""
        for key in self.facts:
            head, _, tail = key.rpartition(".")
            if tail == attribute and head.startswith(f"{prefix}."):
                yield head.removeprefix(f"{prefix}.")

    def evidence(self, key: str) -> Evidence:
        """Return fact `key` as evidence, with the source that it was read from."""
        fact = self.facts[key]
        return Evidence(key, fact.value or "", Sentence(fact.source))
