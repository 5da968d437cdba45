"""Moving through time: pausing never stops recording, stepping pauses, End returns to live, a file's end stops."""

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.settings import Settings
from analysis.view import Lens
from collectors.player import SPEEDS, Player
from collectors.store import ListStore, LiveStore
from collectors.timeline import LiveTimeline, Timeline
from tests.samples import at, second, session


def recorded(seconds: int = 60) -> Player:
    return Player(Timeline(ListStore(session(seconds)), Settings()))


def live(seconds: int = 60) -> Player:
    timeline = LiveTimeline(LiveStore(), Settings())
    timeline.take(session(seconds))
    return Player(timeline)


def test_a_recorded_session_begins_at_its_start_and_plays_at_the_speed_asked_for() -> None:
    player = recorded()
    assert (player.mode, player.timeline.at_ns) == ("play", at(0))
    player.tick(2.0)
    assert player.timeline.at_ns == at(2)
    player.faster()
    player.tick(2.0)
    assert player.timeline.at_ns == at(6)


def test_the_end_of_a_file_stops_and_playing_again_begins_at_the_start() -> None:
    player = recorded(10)
    assert player.tick(3600.0)
    assert (player.mode, player.timeline.at_ns) == ("end", at(10))
    assert not player.tick(1.0)
    player.toggle()
    assert (player.mode, player.timeline.at_ns) == ("play", at(0))


def test_stepping_pauses_and_stays_within_the_session() -> None:
    player = recorded(10)
    player.step(-(10**9))
    assert (player.mode, player.timeline.at_ns) == ("pause", at(0))
    player.step(10**12)
    assert player.timeline.at_ns == at(10)


def test_a_live_view_that_was_only_paused_goes_back_to_live_at_once() -> None:
    player = live()
    player.toggle()
    assert player.mode == "pause"
    player.toggle()
    assert player.mode == "follow"


def test_a_rewound_live_view_plays_from_where_it_is_and_catches_up_with_live() -> None:
    player = live()
    player.step(-30 * 10**9)
    assert player.timeline.at_ns == at(30)
    player.toggle()
    assert player.mode == "play"
    player.tick(10.0)
    assert player.timeline.at_ns == at(40)
    player.tick(60.0)
    assert player.mode == "follow"


def test_end_returns_to_live_with_everything_that_came_meanwhile() -> None:
    samples = session(60)
    timeline = LiveTimeline(LiveStore(), Settings())
    timeline.take(samples[:150])
    player = Player(timeline)
    player.start()
    timeline.take(samples[150:])
    player.end()
    straight = LiveTimeline(LiveStore(), Settings())
    straight.take(samples)
    assert timeline.view(Lens()) == straight.view(Lens())


def test_walking_visits_every_event_in_order_and_says_when_there_is_none_further() -> None:
    player = recorded()
    moments = [at(10), at(20), at(30)]
    assert [player.walk(moments, 1) and player.timeline.at_ns for _ in range(4)] == [at(10), at(20), at(30), False]
    assert player.walk(moments, -1)
    assert player.timeline.at_ns == at(20)


@given(st.lists(st.sampled_from([1, -1]), max_size=40))
@settings(max_examples=20, deadline=None)
def test_speed_stays_on_its_scale(presses: list[int]) -> None:
    player = recorded(2)
    for press in presses:
        player.faster(press)
        assert player.speed in SPEEDS


def test_the_end_of_a_recording_that_goes_on_is_the_end_no_more_and_late_samples_count() -> None:
    late = second(10, 300)
    store = LiveStore()
    for sample in session(10):
        store.append(sample)
    player = Player(Timeline(store, Settings()))
    player.end()
    for sample in (late, second(11, 300)):
        store.append(sample)
    player.grew(at(10))
    assert (player.mode, player.timeline.at_ns) == ("pause", at(10))
    assert player.timeline.view(Lens()).paths[0].window.settled == 11
    player.toggle()
    player.tick(1.0)
    assert (player.mode, player.timeline.at_ns) == ("end", at(11))
