"""BTH opcodes: names, extension headers and what part they play (IBTA Vol 1 §9.2; include/rdma/ib_pack.h)."""

from typing import Final

CNP: Final = 0x81
"""Congestion notification packet (RoCEv2 Annex A17.9.3)."""

TRANSPORTS: Final = ("RC", "UC", "RD", "UD", "CNP", "XRC")
"""By the three high bits of the opcode; anything else is "other"."""

_OPERATIONS: Final = {
    0x00: "SEND First",
    0x01: "SEND Middle",
    0x02: "SEND Last",
    0x03: "SEND Last with Immediate",
    0x04: "SEND Only",
    0x05: "SEND Only with Immediate",
    0x06: "WRITE First",
    0x07: "WRITE Middle",
    0x08: "WRITE Last",
    0x09: "WRITE Last with Immediate",
    0x0A: "WRITE Only",
    0x0B: "WRITE Only with Immediate",
    0x0C: "READ Request",
    0x0D: "READ Response First",
    0x0E: "READ Response Middle",
    0x0F: "READ Response Last",
    0x10: "READ Response Only",
    0x11: "Acknowledge",
    0x12: "ATOMIC Acknowledge",
    0x13: "CmpSwap",
    0x14: "FetchAdd",
    0x15: "RESYNC",
    0x16: "SEND Last with Invalidate",
    0x17: "SEND Only with Invalidate",
    0x1C: "FLUSH",
    0x1D: "ATOMIC WRITE",
}

REQUESTS: Final = frozenset({*range(0x0D), 0x13, 0x14, 0x16, 0x17})
READ_REQUEST: Final = 0x0C
READ_RESPONSE_ONLY: Final = 0x10
READ_RESPONSES: Final = frozenset({0x0D, 0x0E, 0x0F, READ_RESPONSE_ONLY})
ACKNOWLEDGE: Final = 0x11
ATOMIC_ACKNOWLEDGE: Final = 0x12
ATOMICS: Final = frozenset({0x13, 0x14})
FIRSTS: Final = frozenset({0x00, 0x06, 0x0D})
FULL_SIZED: Final = frozenset({0x00, 0x01, 0x06, 0x07, 0x0D, 0x0E})
"""First and Middle packets: their payload is exactly the path MTU."""
MESSAGE_ENDS: Final = frozenset(
    {0x02, 0x03, 0x04, 0x05, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0F, 0x10, 0x13, 0x14, 0x16, 0x17}
)
ONLIES: Final = frozenset({0x04, 0x05, 0x0A, 0x0B, 0x10, 0x17})
WITH_AETH: Final = frozenset({0x0D, 0x0F, 0x10, 0x11, 0x12})
WITH_RETH: Final = frozenset({0x06, 0x0A, 0x0B, 0x0C, 0x1D})

HEADERS: Final = {
    "RDETH": (("reserved", 1), ("ee_context", 3)),
    "DETH": (("q_key", 4), ("reserved", 1), ("source_qp", 3)),
    "XRCETH": (("reserved", 1), ("xrc_srq", 3)),
    "RETH": (("virtual_address", 8), ("r_key", 4), ("dma_length", 4)),
    "AETH": (("syndrome", 1), ("msn", 3)),
    "ImmDt": (("immediate", 4),),
    "IETH": (("r_key", 4),),
    "AtomicETH": (("virtual_address", 8), ("r_key", 4), ("swap_or_add", 8), ("compare", 8)),
    "AtomicAckETH": (("original_data", 8),),
    "FETH": (("flush", 4),),
}
"""Extension headers: fields and their bytes, big-endian (IBTA Vol 1 §9.3; drivers/infiniband/sw/rxe/rxe_hdr.h)."""

_EXTENSIONS: Final = {
    0x03: ("ImmDt",),
    0x05: ("ImmDt",),
    0x06: ("RETH",),
    0x09: ("ImmDt",),
    0x0A: ("RETH",),
    0x0B: ("RETH", "ImmDt"),
    0x0C: ("RETH",),
    0x0D: ("AETH",),
    0x0F: ("AETH",),
    0x10: ("AETH",),
    0x11: ("AETH",),
    0x12: ("AETH", "AtomicAckETH"),
    0x13: ("AtomicETH",),
    0x14: ("AtomicETH",),
    0x16: ("IETH",),
    0x17: ("IETH",),
    0x1C: ("FETH", "RETH"),
    0x1D: ("RETH",),
}

AETH_NAMES: Final = (
    "nak_psn_sequence_error",
    "nak_invalid_request",
    "nak_remote_access_error",
    "nak_remote_operational_error",
    "nak_invalid_rd_request",
)
"""By NAK code, the low five bits of a syndrome of type 3."""

_RNR_MS: Final = (
    655.36, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.12, 0.16, 0.24, 0.32, 0.48, 0.64, 0.96, 1.28, 1.92,
    2.56, 3.84, 5.12, 7.68, 10.24, 15.36, 20.48, 30.72, 40.96, 61.44, 81.92, 122.88, 163.84, 245.76, 327.68, 491.52,
)  # fmt: skip


def transport(opcode: int) -> str:
    """Return "RC", "UC", "RD", "UD", "XRC", "CNP" (0x81 only) or "other"."""
    if opcode >> 5 == 4:
        return "CNP" if opcode == CNP else "other"
    return TRANSPORTS[opcode >> 5] if opcode >> 5 < len(TRANSPORTS) else "other"


def name(opcode: int) -> str:
    """Return the opcode's name, as in "RC WRITE First", or "other 0xc5" where none is defined."""
    group = transport(opcode)
    if group == "CNP":
        return "CNP"
    operation = _OPERATIONS.get(opcode & 0x1F)
    return f"{group} {operation}" if group != "other" and operation else f"{group} 0x{opcode:02x}"


def _lead(opcode: int) -> tuple[str, ...]:
    """Return the headers that a transport puts in front of those of the operation."""
    group, request = transport(opcode), (opcode & 0x1F) in REQUESTS
    if group == "RD":
        return ("RDETH", "DETH") if request else ("RDETH",)
    if group == "UD":
        return ("DETH",)
    return ("XRCETH",) if group == "XRC" and request else ()


def headers(opcode: int) -> tuple[str, ...]:
    """Return the names of the headers between the BTH and the payload, in order."""
    if transport(opcode) == "CNP":
        return ()
    return _lead(opcode) + _EXTENSIONS.get(opcode & 0x1F, ())


def lead_bytes(opcode: int) -> int:
    """Return the bytes of RDETH, DETH or XRCETH that stand between the BTH and RETH or AETH."""
    return _size(_lead(opcode))


def extension_bytes(opcode: int) -> int:
    """Return the length of all headers between the BTH and the payload."""
    return _size(headers(opcode))


def _size(names: tuple[str, ...]) -> int:
    return sum(size for name in names for _, size in HEADERS[name])


def syndrome_name(syndrome: int) -> str:
    """Return what an AETH syndrome says, by the report's keys (IBTA Vol 1 §9.7.5.2); bit 7 is ignored."""
    kind, value = syndrome >> 5 & 3, syndrome & 0x1F
    if kind == 0:
        return "ack"
    if kind == 1:
        return "rnr_nak"
    return AETH_NAMES[value] if kind == 3 and value < len(AETH_NAMES) else "reserved"


def rnr_timer_ms(code: int) -> float:
    """Return how long the requester has to wait, in ms; code 0 is the longest (rxe_comp.c, IBTA table 45)."""
    return _RNR_MS[code & 0x1F]
