"""Routes are judged by the probes to targets over them."""

from msgspec.structs import replace

from analysis.model import Model
from analysis.samples import Series
from analysis.settings import Settings
from analysis.view import Lens
from tests.samples import at, session


def test_the_end_of_a_session_does_not_take_the_routes_numbers_away() -> None:
    samples = session(60)
    ended = [replace(sample, t=at(60), ended=True) for sample in samples if isinstance(sample, Series)]
    model = Model(Settings())
    for sample in (*samples, *ended):
        model.fold(sample)
    view = model.view(at(60), Lens())
    assert {row.name: row.window.settled for row in view.routes} == {"eth0": 60, "eth1": 60}
    assert all(row.score.value is not None for row in view.routes)
