"""The fields of management datagrams (IBTA Vol 1 §13.4.3 and §12.6; include/rdma/ib_mad.h, ib_cm.h).

A layout is (name, bytes) in order, big-endian, up to where the rest is of no interest or is finer than bytes.
"""

from typing import Final

Layout = tuple[tuple[str, int], ...]

SIZE: Final = 24
CM_CLASS: Final = 0x07

HEADER: Final[Layout] = (
    ("base_version", 1),
    ("management_class", 1),
    ("class_version", 1),
    ("method", 1),
    ("status", 2),
    ("class_specific", 2),
    ("transaction_id", 8),
    ("attribute_id", 2),
    ("reserved", 2),
    ("attribute_modifier", 4),
)
_IDS: Final[Layout] = (("local_communication_id", 4), ("remote_communication_id", 4))

MESSAGES: Final[dict[int, tuple[str, Layout]]] = {
    0x0010: (
        "CM REQ",
        (
            ("local_communication_id", 4),
            ("reserved", 4),
            ("service_id", 8),
            ("local_ca_guid", 8),
            ("reserved", 4),
            ("local_q_key", 4),
            ("local_qpn", 3),
            ("responder_resources", 1),
            ("local_eecn", 3),
            ("initiator_depth", 1),
            ("remote_eecn", 3),
            ("timeout_transport_flow_control", 1),
            ("starting_psn", 3),
            ("local_timeout_retry_count", 1),
            ("partition_key", 2),
            ("path_mtu_rnr_retry_count", 1),
        ),
    ),
    0x0011: ("CM MRA", _IDS),
    0x0012: ("CM REJ", (*_IDS, ("message_rejected", 1), ("reject_info_length", 1), ("reason", 2))),
    0x0013: (
        "CM REP",
        (
            *_IDS,
            ("local_q_key", 4),
            ("local_qpn", 3),
            ("reserved", 1),
            ("local_eecn", 3),
            ("reserved", 1),
            ("starting_psn", 3),
            ("reserved", 1),
            ("responder_resources", 1),
            ("initiator_depth", 1),
        ),
    ),
    0x0014: ("CM RTU", _IDS),
    0x0015: ("CM DREQ", (*_IDS, ("remote_qpn", 3))),
    0x0016: ("CM DREP", _IDS),
}
"""Messages of connection management by attribute id."""


def size(layout: Layout) -> int:
    """Return the bytes that a layout takes."""
    return sum(width for _, width in layout)
