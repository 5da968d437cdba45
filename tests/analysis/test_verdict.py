"""What is said of trouble is what was seen: nothing fails that answers, nothing answers that never did."""

import pytest

from analysis.model import Model
from analysis.samples import Outcome, ProbeNote, Probes, Sample, Series
from analysis.settings import Settings
from analysis.view import Lens, View
from tests.samples import ETH0, at, definitions, second, session

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
    assert "; 1 other paths do." in str(seen(samples, 10).verdict.text)


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
