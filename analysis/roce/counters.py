"""What is known of each flow: what is added up, and what is true of it now."""

from analysis.roce.columns import Columns
from analysis.roce.frames import Ints


class Counters(Columns):
    """What is added up per flow. `packets` and all after it count packets whose PSNs are walked."""

    seen: Ints
    """Packets of any kind sent to this QP."""
    acks: Ints
    """ACKs, NAKs and atomic ACKs, whose PSNs coalesce."""
    naks: Ints
    """NAKs, without RNR."""
    rnr_naks: Ints
    fatal_naks: Ints
    """NAKs that end the connection: every code but PSN sequence error."""
    cnps: Ints
    ce: Ints
    ack_bytes: Ints
    packets: Ints
    wire_bytes: Ints
    payload_bytes: Ints
    goodput_bytes: Ints
    messages: Ints
    message_bytes: Ints
    repeats: Ints
    behind: Ints
    gap_events: Ints
    gap_psns: Ints
    rewinds: Ints
    rewinds_nak: Ints
    rewinds_rnr: Ints
    rewinds_read: Ints
    """READ requests issued anew: the requester missed responses (an implied NAK)."""
    rewinds_timeout: Ints
    rewinds_other: Ints
    duplicates: Ints
    inflight_n: Ints
    inflight_sum: Ints
    """PSNs sent and not acknowledged, each time just before an ACK came."""


class Facts(Columns):
    """What is true of a flow now, rather than added up."""

    pair: Ints
    answers: Ints
    """Of responses: the flow of requests that they answer; 0, which is no such flow, where that is not known."""
    decided_at: Ints
    """Of requests: the frame at which that became clear."""
    qpn: Ints
    role: Ints
    group: Ints
    first_psn: Ints
    first_number: Ints
    last_psn: Ints
    wrapped: Ints
    t_first: Ints
    t_last: Ints
    t_previous: Ints
    at_previous: Ints
    """Time and unwrapped PSN of the newest packet."""
    pmtu: Ints
    message_first_psn: Ints
    """Unwrapped PSN of the newest First packet, and its payload: with them a Last packet knows its message's size."""
    message_pmtu: Ints
    largest_message: Ints
    acked: Ints
    """Newest acknowledged PSN, unwrapped."""
    inflight_max: Ints
