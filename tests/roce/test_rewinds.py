"""Rewinds and what set them off, where the same is said and sent again and again."""

import struct

from analysis.roce.report import Told, report
from tests.roce.captures import HERE, THERE, folded, roce

SEND_ONLY, ACKNOWLEDGE, RNR, NAK = 0x04, 0x11, 0x21, 0x60


def sent(psn: int) -> bytes:
    return roce(SEND_ONLY, 0x11, psn, b"1234", source=HERE, destination=THERE)


def refused(psn: int, syndrome: int) -> bytes:
    return roce(ACKNOWLEDGE, 0x12, psn, struct.pack(">I", syndrome << 24), source=THERE, destination=HERE)


def test_a_receiver_that_is_never_ready_is_told_each_time() -> None:
    frames = [sent(7), sent(8), refused(7, RNR)] * 3000
    for chunk in (4096, 30_000, 4 << 20):
        assert report(folded(frames, chunk), Told()).flows[0].rewound_by.rnr == 2999


def test_what_was_said_of_a_psn_long_ago_is_forgotten() -> None:
    fold = folded([sent(7), sent(8), refused(7, RNR)] * 3000, 4096)
    assert sum(len(said.numbers) for said in fold.rewinds._naks.values()) < 200


def test_each_refusal_sets_off_one_rewind() -> None:
    """The second rewind to a PSN comes without a word from the receiver."""
    again = [sent(7), sent(8), sent(9)]
    told = report(folded([*again, refused(7, NAK), *again, *again, refused(7, RNR), *again]), Told()).flows[0]
    assert (told.rewinds, told.rewound_by.nak, told.rewound_by.rnr, told.rewound_by.other) == (3, 1, 1, 1)


def test_several_steps_back_before_a_psn_comes_again_are_one_rewind_from_the_last() -> None:
    frames = [sent(psn) for psn in (5, 6, 7, 8, 9)]
    frames += [sent(8), refused(6, NAK), sent(6), sent(5), sent(6)]
    fold = folded(frames)
    told = report(fold, Told()).flows[0]
    assert (told.rewinds, told.rewound_by.nak, told.rewound_by.other) == (1, 0, 1)
    assert [(one.psn, one.depth) for one in fold.rewinds.log] == [(5, 5)]
