"""Connection management on QP1: which QPs belong together (IBTA Vol 1 §12.6; drivers/infiniband/core/cm_msgs.h)."""

from typing import Final, Literal

import msgspec

from analysis.roce import mad

_BTH, _DETH = 12, 8
_REQ, _REP = 0x0010, 0x0013
_MTUS: Final = {1: 256, 2: 512, 3: 1024, 4: 2048, 5: 4096}


class Connect(msgspec.Struct, frozen=True):
    """A REQ or REP: the sender's own QP number and, in a REQ, the path MTU asked for."""

    pair: int
    number: int
    """Frame it came in."""
    kind: Literal["req", "rep"]
    local_id: int
    remote_id: int
    qpn: int
    pmtu: int | None = None


def parse(packet: bytes, pair: int, number: int) -> Connect | None:
    """Read a packet from its BTH on; None where it is no REQ or REP, or was cut before the QP number."""
    datagram = packet[_BTH + _DETH :]
    body = datagram[mad.SIZE :]
    if len(body) < 16 or datagram[1] != mad.CM_CLASS:
        return None
    attribute = int.from_bytes(datagram[16:18], "big")
    local_id = int.from_bytes(body[0:4], "big")
    if attribute == _REP:
        return Connect(
            pair, number, "rep", local_id, int.from_bytes(body[4:8], "big"), int.from_bytes(body[12:15], "big")
        )
    if attribute == _REQ and len(body) >= 35:
        pmtu = _MTUS.get(body[50] >> 4) if len(body) > 50 else None
        return Connect(pair, number, "req", local_id, 0, int.from_bytes(body[32:35], "big"), pmtu)
    return None
