"""Carrier lines of China's international links, told from hop addresses offline. What is not known is not guessed.

A forward trace tells the way from here; the way back can be another one and cannot be seen from here.
"""

import ipaddress
import tomllib
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeAlias

import msgspec

from analysis.text import N_, Sentence, say

AsnOf: TypeAlias = Callable[[str], int | None]
"""Return the AS number of an address, None where it is not known."""
Product: TypeAlias = Literal["GIA", "GT"]


class Line(msgspec.Struct, frozen=True):
    """A carrier's network. `rank` orders long-haul lines: the highest on a path tells."""

    id: str
    name: str
    asns: tuple[int, ...]
    long_haul: bool
    rank: int
    source: str


class Prefix(msgspec.Struct, frozen=True):
    """Addresses of a line."""

    net: str
    line: str
    source: str
    access: bool = False
    """Near the user: says nothing about the long haul."""
    probable: bool = False
    gt_exit: bool = False


class TableError(ValueError):
    """A table cannot be used; `problem` says why."""

    def __init__(self, problem: Sentence) -> None:
        super().__init__(str(problem))
        self.problem = problem


class _Rows(msgspec.Struct):
    line: list[Line] = []
    prefix: list[Prefix] = []


class Table(msgspec.Struct, frozen=True):
    """Lines by id, AS number and prefix; prefixes by length, the longest first."""

    lines: dict[str, Line]
    by_asn: dict[int, Line]
    prefixes: dict[int, tuple[tuple[int, dict[int, Prefix]], ...]]
    """By family: (length, prefixes by their leading bits)."""

    def find(self, address: str) -> Prefix | None:
        """Return the longest prefix that holds an address."""
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return None
        bits = parsed.max_prefixlen
        for length, by_bits in self.prefixes.get(parsed.version, ()):
            found = by_bits.get(int(parsed) >> bits - length)
            if found is not None:
                return found
        return None


class HopLine(msgspec.Struct, frozen=True):
    """The evidence: one hop whose line is recognised."""

    ttl: int
    address: str
    line: Line
    by: Literal["prefix", "asn"]
    source: str
    probable: bool = False
    access: bool = False
    gt_exit: bool = False


class Carrier(msgspec.Struct, frozen=True):
    """The lines of a path, forward only. `long_haul` is None where no hop tells: unknown, not "none"."""

    long_haul: Line | None
    via: Line | None
    """A line of the same long haul that hands over to it, as Unicom Global does to 169 and CUII."""
    landing: Line | None
    product: Product | None
    probable: bool
    evidence: tuple[HopLine, ...]


def parse_table(*texts: str) -> Table:
    """Return the table of TOML texts; later ones add to and replace rows of earlier ones. Raises TableError."""
    lines: dict[str, Line] = {}
    prefixes: dict[ipaddress.IPv4Network | ipaddress.IPv6Network, Prefix] = {}
    for text in texts:
        try:
            rows = msgspec.convert(tomllib.loads(text), _Rows)
            nets = [(ipaddress.ip_network(prefix.net), prefix) for prefix in rows.prefix]
        except (tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError) as problem:
            raise TableError(
                say(N_("The table of carrier lines cannot be read: {reason}"), reason=problem)
            ) from problem
        lines |= {line.id: line for line in rows.line}
        prefixes |= dict(nets)
        unknown = next((prefix for prefix in rows.prefix if prefix.line not in lines), None)
        if unknown is not None:
            raise TableError(
                say(N_("The table of carrier lines names {line}, which it does not define."), line=unknown.line)
            )
    return Table(lines, {asn: line for line in lines.values() for asn in line.asns}, _by_length(prefixes))


def _by_length(
    prefixes: dict[ipaddress.IPv4Network | ipaddress.IPv6Network, Prefix],
) -> dict[int, tuple[tuple[int, dict[int, Prefix]], ...]]:
    families: dict[int, dict[int, dict[int, Prefix]]] = {4: {}, 6: {}}
    for net, prefix in prefixes.items():
        bits = int(net.network_address) >> net.max_prefixlen - net.prefixlen
        families[net.version].setdefault(net.prefixlen, {})[bits] = prefix
    return {version: tuple(sorted(lengths.items(), reverse=True)) for version, lengths in families.items()}


def recognise(ttl: int, address: str, table: Table, asn_of: AsnOf | None = None) -> HopLine | None:
    """Return a hop's line: by the longest prefix, then by AS number, else None."""
    prefix = table.find(address)
    if prefix is not None:
        line = table.lines[prefix.line]
        return HopLine(ttl, address, line, "prefix", prefix.source, prefix.probable, prefix.access, prefix.gt_exit)
    asn = asn_of(address) if asn_of else None
    found = None if asn is None else table.by_asn.get(asn)
    return None if found is None else HopLine(ttl, address, found, "asn", found.source, probable=True)


def identify(hops: Iterable[tuple[int, str]], table: Table, asn_of: AsnOf | None = None) -> Carrier:
    """Return the carrier lines of a path. `hops`: (TTL, address), of one trace or of several together.

    The highest line anywhere on the path is the long haul: a first access hop of 163 abroad says nothing. The last
    recognised hop tells where the path lands. AS numbers never overrule a prefix: 59.43.0.0/16 is in no AS.
    """
    evidence = sorted(
        (found for ttl, address in dict.fromkeys(hops) if (found := recognise(ttl, address, table, asn_of))),
        key=lambda hop: (hop.ttl, hop.address),
    )
    haul = [hop for hop in evidence if hop.line.long_haul and not hop.access]
    if not haul:
        landing = evidence[-1].line if evidence and not evidence[-1].line.long_haul else None
        return Carrier(None, None, landing, None, probable=bool(evidence), evidence=tuple(evidence))
    best = max(haul, key=lambda hop: hop.line.rank).line
    via = next((hop.line for hop in haul if hop.line != best and _hands_over(hop.line, best)), None)
    landing = next((hop.line for hop in reversed(evidence) if hop.line != best and hop.ttl > _last(haul, best)), best)
    carrying = [hop for hop in haul if hop.line == best]
    product = _product(evidence, carrying)
    only_v6 = all(":" in hop.address for hop in carrying)
    sure = len(carrying) > 1 and not all(hop.probable for hop in carrying) and product is None and not only_v6
    return Carrier(best, via, landing, product, probable=not sure, evidence=tuple(evidence))


def _last(haul: Sequence[HopLine], line: Line) -> int:
    return max(hop.ttl for hop in haul if hop.line == line)


def _hands_over(line: Line, to: Line) -> bool:
    return line.id == "cug" and to.id in ("169", "cuii")


def _product(evidence: Sequence[HopLine], carrying: Sequence[HopLine]) -> Product | None:
    """Return which CN2 product it probably is, None where that is open.

    GT where a known exit of CN2 is directly followed by 163. 163 behind other CN2 hops is normal in provinces that
    CN2 does not reach, so it leaves both open. Of IPv6 nothing is known.
    """
    if carrying[0].line.id != "cn2" or any(":" in hop.address for hop in carrying):
        return None
    exits = {hop.ttl + 1 for hop in carrying if hop.gt_exit}
    backbone = [hop for hop in evidence if hop.line.id == "163" and not hop.access]
    if any(hop.ttl in exits for hop in backbone):
        return "GT"
    first = min(hop.ttl for hop in carrying)
    return None if any(hop.ttl > first for hop in backbone) else "GIA"


def told(carrier: Carrier) -> Sentence:
    """Return the lines of a path in one sentence."""
    haul = carrier.long_haul
    if haul is None:
        if carrier.landing is not None:
            return say(N_("Long haul unknown: no hop tells. Lands in {landing}."), landing=carrier.landing.name)
        return say(N_("Carrier line unknown: no hop of a known line answers."))
    name = " ".join(filter(None, (haul.name, carrier.product)))
    if carrier.via is not None:
        name = f"{carrier.via.name} → {name}"
    args = {"line": name, "landing": carrier.landing.name if carrier.landing else haul.name}
    if carrier.probable:
        return say(
            N_("Long haul probably {line}; lands in {landing}. Forward only: the way back can differ."), **args
        )
    return say(N_("Long haul {line}; lands in {landing}. Forward only: the way back can differ."), **args)


def line_names(carrier: Carrier) -> dict[str, str]:
    """Return the line of each recognised address, by name."""
    return {hop.address: hop.line.name for hop in carrier.evidence}
