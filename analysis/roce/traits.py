"""What every opcode is to the fold, as the bits of one number: one look-up per packet answers all questions."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analysis.roce import opcodes
from analysis.roce.frames import Flags, Ints

Traits = NDArray[np.int32]

REQ, RESP, CNP, NEITHER = range(4)
"""What part an opcode plays: two PSN spaces that are never mixed, congestion notification, and the rest."""
RC: Final = 0

PART: Final = 0x1F
"""Transport and role, which tell the flows of one QP apart; see `part_of`."""
IS_REQ, IS_RESP, IS_CNP, WALKED, ACK, READ, READ_ONLY, FIRST, FULL, END, ONLY, ATOMIC, RC_REQ, AETH, RETH, ACK_REQ = (
    1 << bit for bit in range(5, 21)
)
"""WALKED packets have PSNs that follow each other; ACK are the other responses, whose PSNs coalesce.

ACK_REQ is no trait of an opcode but the bit in the BTH: the decoder adds it for each packet.
"""


EXTENSION: Final = 21
"""Above all others: bytes of the headers between the BTH and the payload."""


def _role(opcode: int) -> int:
    if opcode == opcodes.CNP:
        return CNP
    if opcode >> 5 == 4:
        return NEITHER
    operation = opcode & 0x1F
    return REQ if operation in opcodes.REQUESTS else RESP if 0x0D <= operation <= 0x12 else NEITHER


def _group(opcode: int) -> int:
    """Return the transport by its three bits; 7 for those that are not defined."""
    return opcode >> 5 if opcodes.transport(opcode) != "other" else 7


def part_of(role: int, group: int) -> int:
    """Return the PART of packets of a role and a transport."""
    return group << 2 | role


def _traits(opcode: int) -> int:
    role, group, operation = _role(opcode), _group(opcode), opcode & 0x1F
    plain = opcode >> 5 != 4
    response = plain and operation in opcodes.READ_RESPONSES
    told = {
        IS_REQ: role == REQ,
        IS_RESP: role == RESP,
        IS_CNP: role == CNP,
        WALKED: role == REQ or (role == RESP and response),
        ACK: role == RESP and not response,
        READ: role == REQ and operation == opcodes.READ_REQUEST,
        READ_ONLY: plain and operation == opcodes.READ_RESPONSE_ONLY,
        FIRST: plain and operation in opcodes.FIRSTS,
        FULL: plain and operation in opcodes.FULL_SIZED,
        END: plain and operation in opcodes.MESSAGE_ENDS,
        ONLY: plain and operation in opcodes.ONLIES,
        ATOMIC: plain and operation in opcodes.ATOMICS,
        RC_REQ: role == REQ and group == RC,
        AETH: plain and operation in opcodes.WITH_AETH,
        RETH: plain and operation in opcodes.WITH_RETH,
    }
    length = opcodes.extension_bytes(opcode) << EXTENSION
    return length | part_of(role, group) | sum(bit for bit, true in told.items() if true)


def table(per_opcode: list[int]) -> Ints:
    """Return a column that is indexed by opcode."""
    return np.array(per_opcode, np.int64)


def opcode_flags(operations: frozenset[int]) -> Flags:
    """Return, for all 256 opcodes, whether the operation (low five bits) is one of these. Never for the CNP class."""
    return np.array([op & 0x1F in operations and op >> 5 != 4 for op in range(256)], np.bool_)


TRAITS: Final[Traits] = np.array([_traits(op) for op in range(256)], np.int32)
"""Indexed by opcode."""


def rows_of(traits: Traits, wanted: int) -> Ints:
    """Return the rows that have one of the wanted traits."""
    return np.flatnonzero(traits & wanted != 0)
