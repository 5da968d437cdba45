"""Everything a person can set, as plain data with its shipped defaults. Files are read elsewhere (tui.config)."""

from typing import Literal

import msgspec

from analysis.samples import Protocol


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A section of the configuration: unknown keys are refused."""


class ScoreSettings(Strict, frozen=True):
    """Weights and scales of the route score."""

    latency_weight: float = 0.4
    loss_weight: float = 0.3
    bandwidth_weight: float = 0.3
    latency_zero_ms: float = 500.0
    """At this round-trip time the latency part is 0."""
    loss_zero_ratio: float = 0.10
    """At this loss the loss part is 0."""
    bandwidth_full_mbps: float = 100.0
    """At this bandwidth the bandwidth part is 1."""
    hysteresis: float = 0.05
    """A route must lead by this much to become the best one."""


class Objectives(Strict, frozen=True):
    """What a route has to keep. Bandwidth is per GPU."""

    latency_ms: float = 150.0
    loss_ratio: float = 0.02
    bandwidth_mbps_per_gpu: float = 10.0
    availability_ratio: float = 0.995


class TargetSettings(Strict, frozen=True):
    """One thing to probe. `host`: a name, an address, or "gateway" / "resolvers" for what the box uses."""

    host: str
    name: str | None = None
    protocol: Protocol | Literal["auto"] = "auto"
    """"auto": ICMP, and TCP beside it where ICMP gets no answer at all."""
    port: int | None = None
    interval_s: float = 1.0
    timeout_s: float = 2.0
    payload_bytes: int = 56
    dscp: int = 0
    dont_fragment: bool = False
    family: Literal["any", "4", "6", "both"] = "any"
    """"any": every family that has an address, at most `addresses` of each; "both" insists on both."""
    addresses: int = 1
    """How many addresses of one name and family are probed."""
    routes: tuple[str, ...] = ()
    """Names of the routes to use; empty: all of them."""


class RouteSettings(Strict, frozen=True):
    """A way out that netlink cannot show, or a name for one it can."""

    name: str
    interface: str | None = None
    gateway: str | None = None
    source: str | None = None
    mark: int | None = None
    table: int | None = None


class Settings(Strict, frozen=True):
    """The whole configuration."""

    targets: tuple[TargetSettings, ...] = (
        TargetSettings("gateway"),
        TargetSettings("resolvers"),
        TargetSettings("vast.ai"),
        TargetSettings("console.vast.ai"),
        TargetSettings("api.vast.ai"),
    )
    routes: tuple[RouteSettings, ...] = ()
    score: ScoreSettings = ScoreSettings()
    objectives: Objectives = Objectives()
    gpus: int | None = None
    """How many GPUs the bandwidth objective counts; None: as many as the box shows."""
    language: Literal["auto", "en", "zh_CN"] = "auto"
    theme: str = "auto"
    glyphs: Literal["auto", "unicode", "ascii"] = "auto"
    refresh_s: float = 1.0
    slow: bool = False
    """Draw half as often and with fewer colours, for very thin lines."""
    mouse: Literal["auto", "on", "off"] = "auto"
