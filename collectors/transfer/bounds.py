"""What may be asked of the other end, and what it may answer: neither is believed unseen."""

import msgspec

from analysis.samples import DatagramCounts, SenderAccount
from analysis.text import N_, Sentence, say
from analysis.units import duration, size
from collectors.transfer.datagrams import datagrams_of
from collectors.transfer.talk import Gone
from collectors.transfer.wire import MOST_DATAGRAMS, Arrived, Ask, Decoded, Done

SLACK_NS = 60 * 10**9


class Limits(msgspec.Struct, frozen=True):
    """What a server lets others do."""

    tests: int = 4
    most_seconds: float = 60.0
    """Of one part of a test."""
    most_bytes: int = 16 << 30
    """Of all parts of one test."""


def objection(ask: Ask, limits: Limits, bytes_left: int) -> Sentence | None:
    """Return why a part of a test is not done, None where it may be."""
    if ask.seconds > limits.most_seconds:
        text = N_("This server tests for up to {most} at a time; ask for less.")
        return say(text, most=duration(limits.most_seconds * 1e9))
    if ask.most_bytes * (ask.up + ask.down) > bytes_left:
        text = N_("This server moves up to {most} in one test; ask for less.")
        return say(text, most=size(limits.most_bytes))
    if ask.protocol == "udp" and (not ask.pace_bps or ask.up == ask.down or ask.flows != 1):
        return say(N_("A UDP test has a pace, one flow and one direction at a time."))
    if ask.protocol == "udp" and datagrams_of(ask) > MOST_DATAGRAMS:
        return say(N_("So many datagrams cannot be counted; ask for a slower pace, a shorter time or larger ones."))
    if (ask.needed is None) != (ask.block is None) or (ask.needed and ask.block and ask.needed >= ask.block):
        return say(N_("Error correction needs more datagrams in a block than it has of data."))
    if not (ask.up or ask.down) or (ask.needed and ask.protocol != "udp"):
        return say(N_("The other end asked for a test that does not exist."))
    return None


def believed(done: Done, ask: Ask, sent_bytes: int) -> Done:
    """Return what a server counted, or raise `Gone` where it cannot be so; `sent_bytes`: payload sent to it."""
    arrived = done.arrived
    sound = (
        (arrived is not None) == ask.up
        and (arrived is None or _arrived_sound(arrived, ask, sent_bytes))
        and done.moved_bytes <= ask.most_bytes
        and (done.sender is None or _account_sound(done.sender))
    )
    if not sound:
        raise Gone(say(N_("What the other end says it counted cannot be: the test tells nothing.")))
    return done


def _arrived_sound(arrived: Arrived, ask: Ask, sent_bytes: int) -> bool:
    longest_ns = int(ask.seconds * 1e9) + SLACK_NS
    if ask.protocol == "tcp" and arrived.moved_bytes > sent_bytes:
        return False
    return (
        arrived.bytes <= min(arrived.moved_bytes, sent_bytes)
        and arrived.span_ns + arrived.skipped_ns <= longest_ns
        and sum(arrived.flow_bytes) in (0, arrived.bytes)
        and (arrived.datagrams is not None) == (ask.protocol == "udp")
        and (arrived.datagrams is None or _counts_sound(arrived.datagrams, ask))
        and sum(arrived.pattern) <= (arrived.datagrams.sent if arrived.datagrams else 0)
        and (arrived.decoded is not None) == (ask.needed is not None)
        and (arrived.decoded is None or _decoded_sound(arrived.decoded))
    )


def _counts_sound(counts: DatagramCounts, ask: Ask) -> bool:
    numbers = (counts.received, counts.duplicates, counts.reordered, counts.overflowed, counts.foreign)
    lost = sum(length * often for length, often in counts.bursts)
    return (
        min(numbers) >= 0
        and counts.received <= counts.sent <= datagrams_of(ask)
        and counts.reordered <= counts.received
        and all(length > 0 and often > 0 for length, often in counts.bursts)
        and lost == counts.sent - counts.received
    )


def _decoded_sound(decoded: Decoded) -> bool:
    return decoded.arrived + decoded.restored + decoded.wrong <= decoded.sources


def _account_sound(account: SenderAccount) -> bool:
    numbers = (value for value in msgspec.structs.astuple(account) if isinstance(value, int))
    return all(0 <= number < 1 << 62 for number in numbers)
