"""Where things stand in a frame: link layer, tags, IP, UDP. Offsets and kinds of all frames at once."""

from typing import Final

import msgspec
import numpy as np

from analysis.roce.frames import Bytes, Flags, Ints, distinct, field, gather

OTHER, TCP, ICMP, ARP, ROCE, RUNT, PFC, PAUSE = range(8)
"""What a frame is. RUNT: UDP to the RoCE port, too short for a BTH and an ICRC."""

ETHERNET, SLL, SLL2 = 1, 113, 276
NATIVE_INFINIBAND: Final = frozenset({197, 247})
"""ERF and InfiniBand link types: no Ethernet, so no RoCE."""
_RAW_IP: Final = frozenset({12, 14, 101, 228, 229})
_LOOPBACK: Final = frozenset({0, 108})
_LINK_SHAPE: Final = {ETHERNET: (12, 14), SLL: (14, 16), SLL2: (0, 20)}
"""Link type: offset of the EtherType, length of the link header."""

ROCE_PORT, VXLAN_PORT = 4791, 4789
BTH, ICRC = 12, 4
"""Bytes of both, without which a packet is none."""
_IP4, _IP6, _ROCE1, _ARP, _MAC_CONTROL = 0x0800, 0x86DD, 0x8915, 0x0806, 0x8808
_TAGS: Final = (0x8100, 0x88A8, 0x9100)
_MOST_TAGS: Final = 4
_GRH_NEXT_BTH: Final = 0x1B
_EXTENSIONS_6: Final = (0, 43, 60)
_FRAGMENT_6: Final = 44


class Located(msgspec.Struct, frozen=True):
    """One row per frame. Offsets are into the buffer; -1 where there is nothing of the kind."""

    kind: Ints
    l3: Ints
    """Where the network header begins."""
    bth: Ints
    stop: Ints
    """Where the packet ends by its own length field, captured or not."""
    version: Ints
    """4 or 6 for RoCEv2 by IP version, 1 for RoCEv1."""
    tos: Ints
    """IP traffic class; -1 where there is no IP header."""
    fragment: Flags
    """First fragment of an IP packet. Later fragments hold no BTH and are OTHER."""
    plain: Flags
    """No IPv6 extension header between IP and UDP: the ICRC is defined."""
    pcp: Ints
    """Priority of the innermost VLAN tag; -1 without one."""

    def where(self, rows: Ints) -> "Located":
        """Return some of the rows."""
        return Located(*(getattr(self, name)[rows] for name in self.__struct_fields__))


class _Network(msgspec.Struct, frozen=True):
    ethertype: Ints
    l3: Ints
    pcp: Ints


class _Transport(msgspec.Struct, frozen=True):
    protocol: Ints
    l4: Ints
    stop: Ints
    version: Ints
    tos: Ints
    fragment: Flags
    plain: Flags


def locate(buffer: Bytes, start: Ints, end: Ints, link: int | Ints, nested: int = 1) -> Located:
    """Find the headers of every frame; `end` is where its captured bytes end. VXLAN is entered `nested` deep."""
    network = _network(buffer, start, end, link)
    transport = _transport(buffer, network, end)
    kind = _kinds(transport.protocol, network.ethertype)
    bth = np.full(len(start), -1, np.int64)
    version = transport.version
    stop = transport.stop
    udp = (transport.protocol == 17) & (transport.l4 + 8 <= end)
    inner = np.zeros(0, np.int64)
    if udp.any():
        ports = field(gather(buffer, np.where(udp, transport.l4, 0), 4), 2, ">u2")
        bth = np.where(udp & (ports == ROCE_PORT), transport.l4 + 8, -1)
        inner = np.flatnonzero(udp & (ports == VXLAN_PORT)) if nested else inner
    _roce1(buffer, network, end, bth, stop, version)
    found = bth >= 0
    kind[found] = np.where(stop[found] - bth[found] >= BTH + ICRC, ROCE, RUNT)
    _mac_control(buffer, network, end, kind)
    located = Located(
        kind, network.l3, bth, stop, version, transport.tos, transport.fragment, transport.plain, network.pcp
    )
    if len(inner):
        _enter(buffer, end, located, inner, transport.l4 + 16, nested - 1)
    return located


def _enter(buffer: Bytes, end: Ints, outer: Located, rows: Ints, start: Ints, nested: int) -> None:
    """Replace `rows` by what stands inside their VXLAN (RFC 7348), where that is RoCE.

    A CE mark on the outer header counts: the tunnel's end copies it inward (RFC 6040).
    """
    found = locate(buffer, start[rows], end[rows], ETHERNET, nested)
    wanted = (found.kind == ROCE) | (found.kind == RUNT)
    rows, marked = rows[wanted], outer.tos[rows[wanted]] & 3 == 3
    tos = found.tos[wanted]
    outer.tos[rows] = np.where(marked & (tos & 3 != 0) & (tos >= 0), tos | 3, tos)
    for name in ("kind", "l3", "bth", "stop", "version", "fragment", "plain"):
        getattr(outer, name)[rows] = getattr(found, name)[wanted]


def _network(buffer: Bytes, start: Ints, end: Ints, link: int | Ints) -> _Network:
    if not isinstance(link, int):
        return _network_mixed(buffer, start, end, link)
    pcp = np.full(len(start), -1, np.int64)
    if link in _LINK_SHAPE:
        at, length = _LINK_SHAPE[link]
        l3 = start + length
        ethertype = field(gather(buffer, start, 16), at, ">u2")
        ethertype[l3 > end] = -1
        return _untag(buffer, _Network(ethertype, l3, pcp), end)
    if link in _RAW_IP or link in _LOOPBACK:
        l3 = start + (4 if link in _LOOPBACK else 0)
        nibble = gather(buffer, np.minimum(l3, end), 1).ravel() >> 4
        ethertype = np.where(nibble == 4, _IP4, np.where(nibble == 6, _IP6, -1)).astype(np.int64)
        ethertype[l3 >= end] = -1
        return _Network(ethertype, l3, pcp)
    return _Network(np.full(len(start), -1, np.int64), start, pcp)


def _network_mixed(buffer: Bytes, start: Ints, end: Ints, link: Ints) -> _Network:
    out = _Network(*(np.full(len(start), -1, np.int64) for _ in range(3)))
    for one in distinct(link).tolist():
        rows = np.flatnonzero(link == one)
        part = _network(buffer, start[rows], end[rows], one)
        out.ethertype[rows], out.l3[rows], out.pcp[rows] = part.ethertype, part.l3, part.pcp
    return out


def _untag(buffer: Bytes, network: _Network, end: Ints) -> _Network:
    """Step over VLAN tags (802.1Q, 802.1ad), keeping the priority of the innermost: the one the host set."""
    ethertype, l3, pcp = network.ethertype, network.l3, network.pcp
    for _ in range(_MOST_TAGS):
        tagged = np.flatnonzero((ethertype == _TAGS[0]) | (ethertype == _TAGS[1]) | (ethertype == _TAGS[2]))
        if not len(tagged):
            break
        tagged = tagged[l3[tagged] + 4 <= end[tagged]]
        tag = gather(buffer, l3[tagged], 4)
        pcp[tagged] = tag[:, 0] >> 5
        ethertype[tagged] = field(tag, 2, ">u2")
        l3[tagged] += 4
    return network


def _transport(buffer: Bytes, network: _Network, end: Ints) -> _Transport:
    n = len(end)

    def column() -> Ints:
        return np.full(n, -1, np.int64)

    flags = np.zeros(n, np.bool_)
    out = _Transport(column(), column(), column(), column(), column(), flags, ~flags)
    four = _rows((network.ethertype == _IP4) & (network.l3 + 20 <= end))
    if four is not None:
        _ip4(buffer, network.l3[four], four, out)
    six = _rows((network.ethertype == _IP6) & (network.l3 + 40 <= end))
    if six is not None:
        _ip6(buffer, network.l3[six], end[six], six, out)
    return out


Rows = Ints | slice


def _rows(wanted: Flags) -> Rows | None:
    """Return the rows that are wanted: a slice where it is all of them, for then nothing is copied; None for none."""
    n = int(np.count_nonzero(wanted))
    return None if not n else slice(None) if n == len(wanted) else np.flatnonzero(wanted)


def _ip4(buffer: Bytes, l3: Ints, rows: Rows, out: _Transport) -> None:
    """RFC 791."""
    head = gather(buffer, l3, 20)
    first = head[:, 0]
    words = (first & 15).astype(np.int64)
    pieces = field(head, 6, ">u2")
    valid = (first >> 4 == 4) & (words >= 5)
    usable = valid & (pieces & 0x1FFF == 0)
    protocol = head[:, 9].astype(np.int64)
    out.protocol[rows] = np.where(usable | (protocol != 17), np.where(valid, protocol, -1), -1)
    out.l4[rows] = l3 + words * 4
    out.stop[rows] = l3 + field(head, 2, ">u2")
    out.version[rows] = 4
    out.tos[rows] = np.where(valid, head[:, 1], -1)
    out.fragment[rows] = pieces & 0x3FFF != 0


def _ip6(buffer: Bytes, l3: Ints, end: Ints, rows: Rows, out: _Transport) -> None:
    """RFC 8200, with hop-by-hop, routing, destination and fragment headers stepped over."""
    head = gather(buffer, l3, 40)
    protocol = head[:, 6].astype(np.int64)
    l4 = l3 + 40
    fragment, plain = np.zeros(len(l3), np.bool_), np.ones(len(l3), np.bool_)
    for _ in range(_MOST_TAGS):
        more = np.flatnonzero(np.isin(protocol, (*_EXTENSIONS_6, _FRAGMENT_6)) & (l4 + 8 <= end))
        if not len(more):
            break
        extension = gather(buffer, l4[more], 8)
        split = protocol[more] == _FRAGMENT_6
        later = split & (field(extension, 2, ">u2") >> 3 != 0)
        plain[more] = False
        fragment[more] |= split
        protocol[more] = np.where(later, -1, extension[:, 0])
        l4[more] += np.where(split, 8, (extension[:, 1].astype(np.int64) + 1) * 8)
    valid = head[:, 0] >> 4 == 6
    out.protocol[rows] = np.where(valid, protocol, -1)
    out.l4[rows] = l4
    out.stop[rows] = l3 + 40 + field(head, 4, ">u2")
    out.version[rows] = 6
    out.tos[rows] = np.where(valid, field(head, 0, ">u2") >> 4 & 0xFF, -1)
    out.fragment[rows] = fragment
    out.plain[rows] = plain


def _roce1(buffer: Bytes, network: _Network, end: Ints, bth: Ints, stop: Ints, version: Ints) -> None:
    """RoCEv1: a GRH (IBTA Vol 1 §8.3) straight after the EtherType."""
    rows = np.flatnonzero((network.ethertype == _ROCE1) & (network.l3 + 40 <= end))
    if not len(rows):
        return
    head = gather(buffer, network.l3[rows], 40)
    good = (head[:, 0] >> 4 == 6) & (head[:, 6] == _GRH_NEXT_BTH)
    rows, head = rows[good], head[good]
    bth[rows] = network.l3[rows] + 40
    stop[rows] = bth[rows] + field(np.ascontiguousarray(head), 4, ">u2")
    version[rows] = 1


def _kinds(protocol: Ints, ethertype: Ints) -> Ints:
    kind = np.full(len(protocol), OTHER, np.int64)
    if (protocol == 17).all():
        return kind
    kind[protocol == 6] = TCP
    kind[(protocol == 1) | (protocol == 58)] = ICMP
    kind[ethertype == _ARP] = ARP
    return kind


def _mac_control(buffer: Bytes, network: _Network, end: Ints, kind: Ints) -> None:
    """IEEE 802.3 Annex 31: opcode 1 is PAUSE, 0x0101 is priority flow control."""
    rows = np.flatnonzero((network.ethertype == _MAC_CONTROL) & (network.l3 + 4 <= end))
    if len(rows):
        opcode = field(gather(buffer, network.l3[rows], 2), 0, ">u2")
        kind[rows[opcode == 0x0101]] = PFC
        kind[rows[opcode == 0x0001]] = PAUSE
