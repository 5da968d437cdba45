"""What is said of trouble is what was seen: nothing fails that answers, nothing answers that never did."""

import pytest
from msgspec.structs import replace

from analysis.model import Model
from analysis.samples import Name, Outcome, ProbeNote, Probes, Routes, Sample, Series
from analysis.settings import Settings
from analysis.text import Sentence
from analysis.verdict import verdict as verdict_of
from analysis.view import Lens, View
from tests.samples import ETH0, SECOND_NS, at, definitions, second, session

OTHER = "198.51.100.9"


def seen(samples: list[Sample], n: float) -> View:
    model = Model(Settings())
    for sample in samples:
        model.fold(sample)
    return model.view(at(n), Lens())


def noted(n: int, outcome: Outcome, reason: str, sender: str | None = None) -> Probes:
    rtt_us = None if outcome in (Outcome.FAILED, Outcome.UNREACHABLE) else 20_000
    return Probes(at(n), (2,), (0,), (outcome,), (rtt_us,), (ProbeNote(0, reason, sender),))


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        (noted(1, Outcome.FAILED, "EPERM"), "Probes cannot be sent: EPERM."),
        (noted(1, Outcome.UNREACHABLE, "icmp 3/1", OTHER), f"{OTHER} says: icmp 3/1."),
        (noted(1, Outcome.UNREACHABLE, "icmp 3/3"), "192.0.2.1 says: icmp 3/3."),
        (
            noted(1, Outcome.FOREIGN, "reply", OTHER),
            f"Replies come from {OTHER}, which was not asked: they do not count.",
        ),
        (noted(1, Outcome.ANSWERED, "ECONNREFUSED"), "None"),
        (noted(1, Outcome.ANSWERED, "icmp 3/3"), "None"),
    ],
)
def test_a_note_is_told_by_what_became_of_its_probe(batch: Probes, said: str) -> None:
    """A refused connection is an answer: the host is there."""
    row = next(row for row in seen([*definitions(), batch], 2).paths if row.target == "far.example")
    assert str(row.problem) == said


def test_probes_that_cannot_leave_are_no_answers_on_their_way() -> None:
    samples = definitions() + [noted(n, Outcome.FAILED, "EPERM") for n in range(1, 5)]
    verdict = seen(samples, 5).verdict
    assert verdict.severity == "bad"
    assert str(verdict.text).startswith("No probe to any target leaves this box. Probes cannot be sent: EPERM.")


def test_only_paths_that_answer_are_counted_as_answering() -> None:
    """Of four paths one is silent, one answers, one has just begun and one has ended."""
    new = Series(at(0), 4, "new.example", "192.0.2.2", route=ETH0.id)
    gone = Series(at(0), 5, "gone.example", "192.0.2.3", route=ETH0.id, ended=True)
    samples = [*definitions(), new, gone, *(second(n, 300, None, 40_000) for n in range(1, 10))]
    assert "; other paths that answer: 1." in str(seen(samples, 10).verdict.text)


def test_a_protocol_that_is_never_answered_where_another_is_says_nothing_of_the_way() -> None:
    """A firewall lets TCP through and ICMP not."""
    tcp = Series(at(0), 4, "far.example", "192.0.2.1", protocol="tcp", port=443, route=ETH0.id)
    samples = [*definitions(), tcp, *(second(n, 300, None, series=(1, 2)) for n in range(1, 30))]
    assert seen(samples, 30).verdict.severity == "bad", "as long as nothing is answered"
    view = seen([*samples, *(second(n, 300, None, 40_000, series=(1, 2, 4)) for n in range(30, 60))], 60)
    assert view.verdict.severity == "ok"
    assert [row.window.lost for row in view.routes if row.name == ETH0.name] == [0]
    assert not [event for event in view.events if event.kind == "outage"]
    barred = next(row for row in view.paths if row.barred)
    assert str(barred.problem) == "ICMP is never answered here, other probes are."
    assert barred.series.id == 2


def test_what_answers_is_no_problem() -> None:
    assert seen(session(20), 20).verdict.severity == "ok"


def losing_gateway(lost: int) -> str:
    samples = [
        *definitions(),
        *(second(n, None if n <= lost else 300, None if n % 5 == 0 else 20_000) for n in range(1, 200)),
    ]
    return str(seen(samples, 202).verdict.text)


def test_one_probe_that_the_gateway_did_not_answer_does_not_blame_this_box() -> None:
    assert "answered all" in losing_gateway(0)
    assert "too few to blame" in losing_gateway(1)
    assert "look at this box's own link first" in losing_gateway(10)


def silence(*series: Series, names: tuple[Name, ...] = ()) -> str:
    """Return the verdict where only the gateway has answered for 20 s."""
    ids = tuple(one.id for one in series)
    lost = [second(n, *[None] * len(ids), series=ids) for n in range(1, 20) if ids]
    gateway = [second(n, 300, series=(1,)) for n in range(1, 20)]
    return str(seen([*definitions()[:3], *series, *gateway, *lost, *names], 20).verdict.text)


def test_one_silent_target_is_not_called_several() -> None:
    """It is probed by ICMP and by TCP: still one target."""
    icmp = Series(at(0), 4, "far.example", "192.0.2.1", route=ETH0.id)
    tcp = Series(at(0), 5, "far.example", "192.0.2.1", protocol="tcp", port=443, route=ETH0.id)
    assert silence(icmp).startswith("far.example has not answered for ")
    assert silence(icmp, tcp).startswith("far.example has not answered for ")
    other = Series(at(0), 6, "new.example", "192.0.2.2", route=ETH0.id)
    assert silence(icmp, tcp, other).startswith("None of 2 targets has answered for ")


def test_the_family_that_is_silent_is_named() -> None:
    six = Series(at(0), 4, "far.example", "2001:db8::1", route=ETH0.id)
    samples = [
        *definitions(),
        six,
        *(second(n, 300, 20_000, 20_000, None, series=(1, 2, 3, 4)) for n in range(1, 20)),
    ]
    verdict = seen(samples, 20).verdict
    assert str(verdict.text).startswith("far.example v6 over eth0 has not answered for ")
    told = [str(sentence) for sentence in verdict.evidence]
    assert len({line.partition(":")[0] for line in told if "lost, p50" in line}) == 4, told


def test_names_that_do_not_resolve_are_said_though_others_are_probed() -> None:
    name = Name(at(1), "gone.example", error=Sentence("gone.example cannot be looked up."))
    new = Series(at(0), 4, "new.example", "192.0.2.2", route=ETH0.id)
    assert "No target can be probed: gone.example cannot be looked up." in silence(names=(name,))
    begun = seen([*definitions(), name], 0.5).verdict
    assert str(begun.text) == "Probing; the first answers are on their way.", "others can be probed"
    assert silence(new, names=(name,)).startswith("new.example has not answered for ")
    verdict = seen([*session(20), name], 20).verdict
    assert verdict.severity == "notice"
    assert "gone.example cannot be looked up" in str(verdict.text)


def test_a_name_that_is_being_looked_up_is_neither_a_problem_nor_forgotten() -> None:
    name = Name(at(1), "slow.example")
    alone = seen([*definitions()[:3], second(1, 300, series=(1,)), name], 2).verdict
    assert alone.severity == "unknown"
    assert "no resolver has told the address of slow.example so far" in str(alone.text)
    verdict = seen([*session(20), name], 20).verdict
    assert verdict.severity == "ok"
    assert "slow.example: looking up its address …" in map(str, verdict.evidence)


def test_a_target_on_a_link_of_this_box_needs_no_gateway() -> None:
    """A storage plane: no default route, and what was asked for answers."""
    near = Series(at(0), 2, "near.example", "192.0.2.1")
    name = Name(at(0), "gateway", error=Sentence("This box has no gateway."))
    start = [Routes(at(0), ()), near, name]
    view = seen([*start, *(second(n, 300, series=(2,)) for n in range(1, 20))], 20)
    assert view.verdict.severity == "ok"
    assert view.names == ()
    silent = seen([*start, *(second(n, None, series=(2,)) for n in range(1, 20))], 20)
    assert "no default route" in str(silent.verdict.text)
    assert silent.names == (name,)


def test_an_objective_missed_just_now_is_not_said_to_be_missed_for_a_time() -> None:
    samples = [*definitions(), *(second(n, 300, (20_000, None)[n % 2]) for n in range(1, 40))]
    view = seen(samples, 40)
    since = {one.since_ns for row in view.routes for one in row.objectives if one.state == "missed"}
    moments = [max(since) + seconds * SECOND_NS for seconds in (0, 30)]
    told = [str(verdict_of(view.paths, view.routes, (), moment).text) for moment in moments]
    assert "the limit is 2.0%. The gateway" in told[0]
    assert "the limit is 2.0%, missed for 30 s. The gateway" in told[1]


def test_when_observing_has_ended_the_last_words_stay_true() -> None:
    """A report, or the end of a recording: every series has ended, and nothing has changed about the network."""
    name = Name(at(1), "gone.example", error=Sentence("gone.example cannot be looked up."))
    old = Series(at(2), 9, "old.example", "192.0.2.9", route=ETH0.id, ended=True)
    for_all = [replace(one, t=at(21), ended=True) for one in definitions() if isinstance(one, Series)]
    assert "No objective is missed" in str(seen([*session(20), old, name, *for_all], 21).verdict.text)
    silent = [*definitions(), old, *(second(n, 300, None, None) for n in range(1, 20)), *for_all]
    assert str(seen(silent, 21).verdict.text).startswith("far.example has not answered for ")
