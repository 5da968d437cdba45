"""What the head of the screen tells of the recording."""

from analysis.samples import Mark
from collectors.session.recorder import RecorderState
from tests.tui.feeds import CannedFeed
from tui.panes.head import recorded

BEGAN_NS = 1_700_000_000_000_000_000


class RecordedFeed(CannedFeed):
    def recording(self) -> RecorderState:
        return RecorderState(since_ns=BEGAN_NS, bytes=2048)


def test_a_recording_has_no_length_before_its_first_sample() -> None:
    assert recorded(RecordedFeed()) == []


def test_a_recording_is_as_long_as_what_is_in_it() -> None:
    feed = RecordedFeed([Mark(BEGAN_NS + 5 * 10**9)])
    feed.poll(0.0)
    assert recorded(feed)[0] == "rec 5.0 s 2.00 KiB"
