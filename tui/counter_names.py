"""What the counters of RDMA devices mean, in plain words.

Names of mlx5 (drivers/infiniband/hw/mlx5/counters.c), rxe (drivers/infiniband/sw/rxe/rxe_hw_counters.c), irdma, and
the port counters of IBTA 16.1.3.5 as sysfs has them (drivers/infiniband/core/sysfs.c).
"""

import re
from typing import Final

from tui.text import N_, _

TROUBLE: Final[dict[str, str]] = {
    "packet_seq_err": N_("NAKs received: packets were lost on the way to the peer"),
    "rcvd_seq_err": N_("NAKs received: packets were lost on the way to the peer"),
    "out_of_sequence": N_("packets that came out of order: loss on the way here"),
    "out_of_seq_request": N_("packets that came out of order: loss on the way here"),
    "duplicate_request": N_("packets that came again: the peer resends"),
    "implied_nak_seq_err": N_("READ responses lost on the way here"),
    "local_ack_timeout_err": N_("time-outs waiting for the peer"),
    "completer_retry_err": N_("time-outs waiting for the peer"),
    "retry_exceeded_err": N_("connections given up after too many retries"),
    "req_transport_retries_exceeded": N_("connections given up after too many retries"),
    "req_rnr_retries_exceeded": N_("connections given up: the peer never had a buffer"),
    "rnr_nak_retry_err": N_("peer had no receive buffer: its application is slow"),
    "rcvd_rnr_err": N_("peer had no receive buffer: its application is slow"),
    "retry_rnr_exceeded_err": N_("connections given up: the peer never had a buffer"),
    "send_rnr_err": N_("no receive buffer here: this application is slow"),
    "out_of_buffer": N_("no receive buffer here: this application is slow"),
    "np_ecn_marked_roce_packets": N_("packets that a switch marked as congested"),
    "np_cnp_sent": N_("congestion notices sent to peers"),
    "rp_cnp_handled": N_("congestion notices received: this box slows down"),
    "rp_cnp_ignored": N_("congestion notices ignored"),
    "roce_adp_retrans": N_("adaptive retransmissions"),
    "roce_slow_restart": N_("slow restarts after loss"),
    "rx_icrc_encapsulated": N_("packets with a broken checksum: NAT or corruption"),
    "send_err": N_("packets that could not be sent"),
    "req_remote_access_errors": N_("remote access errors: wrong key or permission"),
    "resp_remote_access_errors": N_("remote access errors: wrong key or permission"),
    "symbol_error": N_("symbol errors on the wire"),
    "link_downed": N_("times the link went down"),
    "link_error_recovery": N_("link error recoveries"),
    "port_rcv_errors": N_("packets received with errors"),
    "port_xmit_discards": N_("packets dropped before sending"),
    "port_xmit_wait": N_("ticks in which data waited for credit or PFC"),
    "local_link_integrity_errors": N_("link integrity errors"),
    "excessive_buffer_overrun_errors": N_("buffer overruns"),
    "RxECNMrkd": N_("packets that a switch marked as congested"),
    "cnpSent": N_("congestion notices sent to peers"),
    "cnpHandled": N_("congestion notices received: this box slows down"),
}
CONGESTION: Final = frozenset(
    ("np_ecn_marked_roce_packets", "np_cnp_sent", "rp_cnp_handled", "RxECNMrkd", "cnpSent", "cnpHandled")
)
"""Trouble that the fabric is dealing with as it should."""
TRAFFIC: Final[dict[str, str]] = {
    "sent_pkts": N_("packets sent"),
    "rcvd_pkts": N_("packets received"),
    "port_xmit_packets": N_("packets sent"),
    "port_rcv_packets": N_("packets received"),
    "port_xmit_data": N_("32-bit words sent"),
    "port_rcv_data": N_("32-bit words received"),
    "ack_deferred": N_("acknowledgements deferred"),
    "rdma_sends": N_("SEND operations"),
    "rdma_recvs": N_("receive operations"),
    "rx_write_requests": N_("WRITE requests received"),
    "rx_read_requests": N_("READ requests received"),
    "rx_atomic_requests": N_("atomic requests received"),
}


CARD: Final = (
    (re.compile(r"rx_prio(?P<p>\d)_pause$"), N_("pause frames received, priority {p}: a neighbour asks to stop")),
    (re.compile(r"tx_prio(?P<p>\d)_pause$"), N_("pause frames sent, priority {p}: this box asks to stop")),
    (re.compile(r"rx_prio(?P<p>\d)_pause_duration$"), N_("microseconds paused by a neighbour, priority {p}")),
    (re.compile(r"tx_prio(?P<p>\d)_pause_duration$"), N_("microseconds a neighbour was paused, priority {p}")),
    (re.compile(r"[rt]x_prio(?P<p>\d)_pause_transition$"), N_("times that priority {p} went from running to paused")),
    (re.compile(r"rx_prio(?P<p>\d)_(cong_)?discards?$"), N_("packets dropped on receipt, priority {p}")),
    (re.compile(r"rx_(global_)?pause(_ctrl_phy|_frames)?$"), N_("link pauses received: the whole link has to stop")),
    (re.compile(r"tx_(global_)?pause(_ctrl_phy|_frames)?$"), N_("link pauses sent: the whole link has to stop")),
    (re.compile(r"tx_pause_storm_.*"), N_("pause storms that the card cut short")),
    (re.compile(r"rx_out_of_buffer$|rx_no_buffer.*"), N_("packets dropped: no receive buffer in the host")),
    (re.compile(r"rx_discards_phy$|rx_dropped$|rx_missed_errors$"), N_("packets dropped by the card")),
    (re.compile(r".*ecn_mark.*"), N_("packets marked as congested")),
)
"""Counters of cards (ethtool -S), by pattern: drivers count up to eight priorities each."""


def plain_name(counter: str) -> str:
    """Return what a counter means, with the driver's name for it; unknown ones by that name alone."""
    meaning = TROUBLE.get(counter) or TRAFFIC.get(counter)
    if meaning:
        return f"{_(meaning)} ({counter})"
    for pattern, told in CARD:
        if found := pattern.match(counter):
            return f"{_(told, **found.groupdict())} ({counter})"
    return counter
