"""Ports that come together, and who may reach them.

Ray: https://docs.ray.io/en/latest/ray-core/configure.html (GCS 6379, client 10001, dashboard 8265, whose jobs API
asks nobody for a password). Redis: 6379, further instances above. From outside, only SSH and the API are open to all.
"""

from typing import Final, Literal, NamedTuple, TypeAlias

Profile: TypeAlias = Literal["cluster", "cluster-outside"]


class KnownPort(NamedTuple):
    """A port, what listens there, and whether others than the cluster's own nodes may reach it."""

    port: int
    what: str
    is_public: bool = False


CLUSTER: Final = (
    KnownPort(22, "SSH", is_public=True),
    KnownPort(6379, "Ray GCS, Redis"),
    KnownPort(6380, "Redis"),
    KnownPort(6381, "Redis"),
    KnownPort(8000, "API", is_public=True),
    KnownPort(8265, "Ray dashboard, jobs"),
    KnownPort(10001, "Ray client"),
)
WHAT: Final = {known.port: known.what for known in CLUSTER}


class Expectation(NamedTuple):
    """What is expected of one port."""

    port: int
    wanted: bool
    what: str = ""


def expectations(
    profile: Profile | None, reachable: tuple[int, ...], unreachable: tuple[int, ...]
) -> tuple[Expectation, ...]:
    """Return what is expected of each port, ascending; the person's own word comes before the profile's."""
    wanted = {known.port: profile == "cluster" or known.is_public for known in CLUSTER} if profile else {}
    wanted |= dict.fromkeys(reachable, True) | dict.fromkeys(unreachable, False)
    return tuple(Expectation(port, wanted[port], WHAT.get(port, "")) for port in sorted(wanted))
