"""What is known about a capture beside its packets, and the limits that every reader keeps."""

from typing import Final, Literal

import msgspec

from analysis.text import N_, Sentence, say

MOST_CAPTURED: Final = 262_144
"""Longest frame a capture may hold; a record that claims more is damage (libpcap MAXIMUM_SNAPLEN)."""
MOST_BLOCK: Final = 1 << 20
"""Longest pcapng packet block, with its options."""
MOST_PROBLEMS: Final = 20


class Info(msgspec.Struct):
    """Grows while a capture is read."""

    format: Literal["pcap", "pcapng"] | None = None
    link_types: list[int] = []
    problems: list[Sentence] = []
    truncated: bool = False
    """The file is cut or damaged: what follows the last packet was not read."""
    dropped_by_kernel: int | None = None
    """Packets the capturing host lost, where the file says so."""
    packets: int = 0
    offset: int = 0
    """Bytes understood so far, after decompression."""

    def note(self, problem: Sentence) -> None:
        """Keep a problem; the first few are enough to know the file."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)

    def add_link(self, link: int) -> None:
        """Remember a link type."""
        if link not in self.link_types:
            self.link_types.append(link)


def cut_short(offset: int) -> Sentence:
    """The file ends within a record."""
    return say(
        N_("The file ends in the middle of a packet, at byte {offset}. It was cut short; all before is used."),
        offset=offset,
    )


def bad_length(offset: int, length: int) -> Sentence:
    """A record's length cannot be right."""
    return say(
        N_("The record at byte {offset} claims {length} bytes: the file is damaged there. All before is used."),
        offset=offset,
        length=length,
    )


def stopped(reason: object) -> Sentence:
    """Reading ended before the file did."""
    return say(N_("Reading stopped: {reason}. What came before is used."), reason=reason)


def not_a_capture() -> Sentence:
    """No magic number was found."""
    return say(N_("This is not a pcap or pcapng file."))


def empty() -> Sentence:
    """There are no bytes."""
    return say(N_("The file is empty."))
