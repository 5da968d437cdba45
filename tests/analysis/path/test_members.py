"""A member is accused only where its own flows lose and others' do not."""

from hypothesis import given
from hypothesis import strategies as st

from analysis.path.epochs import Run
from analysis.path.members import lossy_member
from analysis.path.statistics import Count
from analysis.path.view import LossyMember

FLOWS = {0: "a", 1: "a", 2: "b", 3: "b", 4: "c", 5: "c"}


def member(losses: dict[int, Count], known: set[int] | None = None) -> LossyMember | None:
    found = {(flow, 3): [Run(address, 0, 5)] for flow, address in FLOWS.items() if known is None or flow in known}
    return lossy_member(found, {3: "flow"}, {flow: {9: count} for flow, count in losses.items()})


def test_the_member_of_the_losing_flows_is_told() -> None:
    told = member({flow: Count(8 if address == "b" else 0, 20) for flow, address in FLOWS.items()})
    assert told == LossyMember(3, "b", (2, 3), Count(16, 40), Count(0, 80))


def test_flows_whose_member_is_not_known_are_nobodys() -> None:
    told = member(
        {flow: Count(8 if address == "b" else 0, 20) for flow, address in FLOWS.items()}, known={0, 1, 2, 4}
    )
    assert told is not None
    assert told.others == Count(0, 60)


def test_loss_before_the_members_is_nobodys() -> None:
    found = {(flow, 3): [Run(address, 0, 5)] for flow, address in FLOWS.items()}
    losses = {flow: {2: Count(20 if address == "b" else 0, 20)} for flow, address in FLOWS.items()}
    assert lossy_member(found, {3: "flow"}, losses) is None


@given(st.integers(0, 20))
def test_where_all_lose_alike_nobody_is_accused(lost: int) -> None:
    assert member({flow: Count(lost, 20) for flow in FLOWS}) is None


def test_packets_spread_one_by_one_accuse_nobody() -> None:
    found = {(flow, 3): [Run(address, 0, 5)] for flow, address in FLOWS.items()}
    losses = {flow: {9: Count(20 if address == "b" else 0, 20)} for flow, address in FLOWS.items()}
    assert lossy_member(found, {3: "packet"}, losses) is None
