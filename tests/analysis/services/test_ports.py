"""A port is as it must be or not, and what listens there on this box says why."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.samples import PortRow, Ports
from analysis.services.ports import is_met, port_text, ports_note
from analysis.services.profiles import expectations


@pytest.mark.parametrize(
    ("row", "met", "said"),
    [
        (PortRow(22, True, "open"), True, "open"),
        (PortRow(22, True, "closed", by="192.0.2.1"), False, "refused"),
        (PortRow(22, True, "filtered"), False, "filtered: no answer"),
        (PortRow(22, True, "unreachable", by=""), False, "unreachable: this box has no way there"),
        (
            PortRow(22, True, "unreachable", by="192.0.2.254", icmp="icmp 3/13"),
            False,
            "unreachable: 192.0.2.254 said so (icmp 3/13)",
        ),
        (PortRow(22, True, "closed", by="192.0.2.1", icmp="icmp 3/3"), False, "closed: 192.0.2.1 said so (icmp 3/3)"),
        (PortRow(22, True, "closed", listener="none"), False, "refused; nothing listens there on this"),
        (PortRow(22, True, "closed", listener="loopback"), False, "refused; its service listens on 127.0.0.1 only"),
        (
            PortRow(22, True, "filtered", listener="every"),
            False,
            "filtered: no answer, though a service",
        ),
        (PortRow(6379, False, "open"), False, "open, and it must not be reachable"),
        (
            PortRow(6379, False, "open", listener="every"),
            False,
            "open, and it must not be reachable: its",
        ),
        (PortRow(6379, False, "open", listener="loopback"), True, "open to this box alone"),
        (PortRow(6379, False, "filtered"), True, "filtered: no answer"),
        (PortRow(6379, False, "filtered", listener="every"), True, "filtered: no answer, as it must be, though"),
    ],
)
def test_every_state_is_judged_and_told(row: PortRow, met: bool, said: str) -> None:
    assert is_met(row) is met
    assert str(port_text(row)).startswith(said)


def test_it_is_said_what_cannot_be_told_from_here() -> None:
    assert "who else gets in is not known" in str(ports_note(Ports(1, "h", is_local=True)))
    assert "from this box only" in str(ports_note(Ports(1, "h")))


def test_the_cluster_is_open_within_and_only_ssh_and_the_api_are_from_outside() -> None:
    inside = {one.port for one in expectations("cluster", (), ()) if one.wanted}
    assert inside == {22, 6379, 6380, 6381, 8000, 8265, 10001}
    outside = expectations("cluster-outside", (), ())
    assert {one.port for one in outside} == inside
    assert {one.port for one in outside if one.wanted} == {22, 8000}


some = st.lists(st.integers(1, 65535), max_size=5).map(tuple)


@settings(max_examples=30)
@given(st.sampled_from([None, "cluster", "cluster-outside"]), some, some)
def test_the_persons_own_word_comes_before_the_profiles(profile, reachable, unreachable) -> None:
    found = {one.port: one.wanted for one in expectations(profile, reachable, unreachable)}
    assert all(found[port] for port in {*reachable} - {*unreachable})
    assert not any(found[port] for port in unreachable)
    assert list(found) == sorted(found)
