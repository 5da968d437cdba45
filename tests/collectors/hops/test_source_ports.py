"""A traced path has source ports of its own: those that it names where they are free, else others."""

import errno
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from analysis.samples import HopPath
from collectors.hops.route import TracedPath
from collectors.probe.stream import Binding


@contextmanager
def traced(source_port: int | None) -> Iterator[int]:
    """Make four flows ready and give the first source port."""
    path = TracedPath(HopPath(0, 1, "192.0.2.1", "192.0.2.1", "udp", 4791, source_port, flows=4), Binding())
    try:
        assert path.path.source_port is not None
        yield path.path.source_port
    finally:
        path.close()


@pytest.fixture
def named() -> int:
    """The first of four ports that are free."""
    with traced(None) as first:
        return first


def test_a_path_leaves_from_the_ports_it_names_so_that_two_runs_take_one_way(named: int) -> None:
    for _run in range(2):
        with traced(named) as first:
            assert first == named


@pytest.mark.parametrize("taken", range(4))
def test_a_path_whose_ports_another_program_has_takes_others(named: int, taken: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("", named + taken))
        with traced(named) as first:
            assert named + taken not in range(first, first + 4)


def test_two_traces_at_once_do_not_share_a_port(named: int) -> None:
    with traced(named) as first, traced(named) as second:
        assert first == named
        assert abs(second - first) >= 4


def test_a_box_out_of_file_descriptors_says_that_and_not_that_ports_are_taken() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 2, hard))
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EMFILE)), traced(None):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
