"""What advice rests on: a path's measured MTU reaches the rules about larger frames and black holes."""

import pytest

from analysis.model import Model
from analysis.samples import HopPath, PathMtu, Series
from analysis.settings import Settings


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        (PathMtu(3, 7, 9000, 9001), (9000, False, None)),
        (PathMtu(3, 7, 1500, None, local_mtu=1500), (1500, True, None)),
        (PathMtu(3, 7, 1400, 1401, black_hole=True), (1400, False, 1400)),
        (PathMtu(3, 7, None), (None, False, None)),
        (PathMtu(3, 8, 9000, 9001), (None, False, None)),  # of another path
    ],
)
def test_what_a_path_carries_is_known_to_advice(
    measured: PathMtu, expected: tuple[int | None, bool, int | None]
) -> None:
    model = Model(Settings())
    for sample in (
        Series(1, 1, "far.example", "192.0.2.1", route="r1"),
        HopPath(2, 7, "far.example", "192.0.2.1", route="r1"),
        measured,
    ):
        model.fold(sample)
    (path,) = model.situation(4).paths
    assert (path.largest_bytes, path.capped, path.silent_above_bytes) == expected
