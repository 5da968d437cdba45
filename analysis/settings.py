"""Everything a person can set, as plain data with its shipped defaults. Files are read elsewhere (tui.config).

A field's bounds and its line of explanation are part of its type: the configuration reader, its messages and the
template all come from here.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from analysis.samples import Protocol
from analysis.services.settings import PortSettings, ServiceSettings
from analysis.setting_types import Fault, NotNegative, Port, Positive, PositiveRatio, Ratio, Strict, Text, Unsigned32
from analysis.text import N_, say


class ScoreSettings(Strict, frozen=True):
    """Weights and scales of the route score."""

    latency_weight: Annotated[NotNegative, Meta(description=N_("Weight of the latency part."))] = 0.4
    loss_weight: Annotated[NotNegative, Meta(description=N_("Weight of the loss part."))] = 0.3
    bandwidth_weight: Annotated[NotNegative, Meta(description=N_("Weight of the bandwidth part."))] = 0.3
    latency_zero_ms: Annotated[
        Positive, Meta(description=N_("At this round-trip time, in ms, the latency part is 0."))
    ] = 500.0
    loss_zero_ratio: Annotated[
        PositiveRatio, Meta(description=N_("At this loss the loss part is 0; 0.1 means 10 %."))
    ] = 0.10
    bandwidth_full_mbps: Annotated[
        Positive, Meta(description=N_("At this bandwidth, in Mb/s, the bandwidth part is 1."))
    ] = 100.0
    hysteresis: Annotated[Ratio, Meta(description=N_("A route must lead by this much to become the best one."))] = (
        0.05
    )


class Objectives(Strict, frozen=True):
    """What a route has to keep. Bandwidth is per GPU."""

    latency_ms: Annotated[Positive, Meta(description=N_("Round-trip time to stay under, in ms."))] = 150.0
    loss_ratio: Annotated[PositiveRatio, Meta(description=N_("Loss to stay under; 0.02 means 2 %."))] = 0.02
    bandwidth_mbps_per_gpu: Annotated[Positive, Meta(description=N_("Bandwidth to have per GPU, in Mb/s."))] = 10.0
    availability_ratio: Annotated[
        Ratio, Meta(description=N_("Share of the time a route has to work; 0.995 means 99.5 %."))
    ] = 0.995


class TargetSettings(Strict, frozen=True):
    """One thing to probe. `host`: a name, an address, or "gateway" / "resolvers" for what the box uses."""

    host: Annotated[
        Text,
        Meta(
            description=N_('A name, an address, or "gateway" or "resolvers" for those that this box uses.'),
            examples=["192.0.2.10"],
        ),
    ]
    name: Annotated[
        Text | None, Meta(description=N_("What to call it on screen, if not by its host."), examples=["office"])
    ] = None
    protocol: Annotated[
        Protocol | Literal["auto"],
        Meta(description=N_('How to probe. "auto" is ICMP, with TCP beside it where ICMP gets no answer at all.')),
    ] = "auto"
    port: Annotated[Port | None, Meta(description=N_("Port for TCP and UDP probes."), examples=[443])] = None
    interval_s: Annotated[
        Annotated[float, Meta(ge=0.001, le=3600)], Meta(description=N_("Seconds from one probe to the next."))
    ] = 1.0
    timeout_s: Annotated[
        Annotated[float, Meta(gt=0, le=60)], Meta(description=N_("A probe without a reply for this long is lost."))
    ] = 2.0
    payload_bytes: Annotated[
        Annotated[int, Meta(ge=0, le=65507)], Meta(description=N_("Bytes of payload in a probe."))
    ] = 56
    dscp: Annotated[Annotated[int, Meta(ge=0, le=63)], Meta(description=N_("DSCP that probes carry."))] = 0
    dont_fragment: Annotated[bool, Meta(description=N_("Forbid routers to fragment probes."))] = False
    family: Annotated[
        Literal["any", "4", "6", "both"],
        Meta(description=N_('Address family. "any" is every family with an address, "both" insists on both.')),
    ] = "any"
    addresses: Annotated[
        Annotated[int, Meta(ge=1, le=64)],
        Meta(description=N_("How many addresses of one name and family are probed.")),
    ] = 1
    routes: Annotated[
        tuple[Text, ...], Meta(description=N_("Names of the routes to probe over; empty for all of them."))
    ] = ()
    interface: Annotated[
        Text | None, Meta(description=N_("Send its probes by this interface only."), examples=["eth1"])
    ] = None
    source: Annotated[
        Text | None, Meta(description=N_("Send its probes from this address."), examples=["192.0.2.7"])
    ] = None
    mark: Annotated[
        Unsigned32 | None, Meta(description=N_("Firewall mark of its probes; it needs CAP_NET_RAW."), examples=[1])
    ] = None


class RouteSettings(Strict, frozen=True):
    """A way out that netlink cannot show, or a name for one it can."""

    name: Annotated[Text, Meta(description=N_("What to call the route on screen."), examples=["CN2"])]
    interface: Annotated[Text | None, Meta(description=N_("The interface it leaves by."), examples=["eth1"])] = None
    gateway: Annotated[Text | None, Meta(description=N_("The address of its gateway."), examples=["192.0.2.1"])] = (
        None
    )
    source: Annotated[
        Text | None, Meta(description=N_("The source address that selects it."), examples=["192.0.2.7"])
    ] = None
    mark: Annotated[Unsigned32 | None, Meta(description=N_("The firewall mark that selects it."), examples=[1])] = (
        None
    )
    table: Annotated[Unsigned32 | None, Meta(description=N_("The number of its routing table."), examples=[100])] = (
        None
    )


def _twice(services: tuple[ServiceSettings, ...], ports: tuple[PortSettings, ...]) -> Iterator[Fault]:
    """Yield names that stand for more than one service, and hosts with more than one block."""
    names = Counter(service.label for service in services)
    hosts = Counter(host for matrix in ports for host in matrix.hosts)
    for key, counted in (("services", names), ("ports", hosts)):
        for name, times in counted.items():
            if times > 1:
                text = N_("{name} is there {n} times; each needs a name of its own")
                yield Fault(key, say(text, name=name, n=times))


class Expectations(Strict, frozen=True):
    """An expectation file: services and ports alone, written as in the configuration."""

    services: tuple[ServiceSettings, ...] = ()
    ports: tuple[PortSettings, ...] = ()

    def faults(self) -> Iterator[Fault]:
        """Yield what does not go together."""
        yield from _twice(self.services, self.ports)


class Settings(Strict, frozen=True):
    """The whole configuration."""

    targets: Annotated[tuple[TargetSettings, ...], Meta(description=N_("What to probe, one block for each."))] = (
        TargetSettings("gateway"),
        TargetSettings("resolvers"),
        TargetSettings("vast.ai"),
        TargetSettings("console.vast.ai"),
        TargetSettings("api.vast.ai"),
    )
    routes: Annotated[
        tuple[RouteSettings, ...],
        Meta(description=N_("Ways out of this box that cannot be found, or names for those that can.")),
    ] = ()
    services: Annotated[
        tuple[ServiceSettings, ...],
        Meta(description=N_("Services to check again and again, one block for each. None is checked by default.")),
    ] = ()
    ports: Annotated[
        tuple[PortSettings, ...],
        Meta(description=N_("TCP ports that must be reachable from this box, and that must not be, by host.")),
    ] = ()
    score: Annotated[ScoreSettings, Meta(description=N_("Weights and scales of the route score."))] = ScoreSettings()
    objectives: Annotated[Objectives, Meta(description=N_("What a route has to keep."))] = Objectives()
    gpus: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(
            description=N_("How many GPUs the bandwidth objective counts; unset: as many as this box shows."),
            examples=[8],
        ),
    ] = None
    language: Annotated[
        Literal["auto", "en", "zh_CN"], Meta(description=N_('Language of all text. "auto" follows the locale.'))
    ] = "auto"
    theme: Annotated[Text, Meta(description=N_('Colour theme. "auto" follows the terminal.'))] = "auto"
    glyphs: Annotated[
        Literal["auto", "unicode", "ascii"],
        Meta(description=N_('What graphs are drawn with. "auto" follows the terminal.')),
    ] = "auto"
    refresh_s: Annotated[
        Annotated[float, Meta(ge=0.1, le=60)], Meta(description=N_("Seconds from one drawing to the next."))
    ] = 1.0
    slow: Annotated[bool, Meta(description=N_("Draw half as often and with fewer colours, for very thin lines."))] = (
        False
    )
    record: Annotated[
        bool, Meta(description=N_("Record what is seen, within bounds, so that a live view can be rewound."))
    ] = True
    mouse: Annotated[
        Literal["auto", "on", "off"], Meta(description=N_('The mouse. "auto" is off over SSH, on elsewhere.'))
    ] = "auto"

    def faults(self) -> Iterator[Fault]:
        """Yield what does not go together."""
        yield from _twice(self.services, self.ports)
