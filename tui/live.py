"""Composes what observes this box, and the recording that lets a live view be rewound."""

from collections.abc import Sequence
from typing import Final

import msgspec

from analysis.settings import Settings
from collectors.base import Collector
from collectors.clock import Clock
from collectors.hub import Hub, Inbox
from collectors.routebook import RouteBook
from collectors.session.header import CollectorNote, Header, new_header
from collectors.session.joined import JoinedStore
from collectors.session.reader import SessionFile
from collectors.session.recorder import NOT_TO_OWN_PLACE, Recorder, state_directory
from collectors.session.sources import earlier_files
from collectors.store import LiveStore, Store
from collectors.timeline import LiveTimeline
from tui import __version__
from tui.feed import LiveFeed

TOOL: Final = f"longpipe {__version__}"


def live_collectors(settings: Settings, clock: Clock) -> list[Collector]:
    """Return every collector of this box, the routes first: probing waits for them."""
    from collectors.clockwatch import ClockWatch
    from collectors.facts import FactsCollector
    from collectors.hops.tracer import HopTracer
    from collectors.host import HostCollector
    from collectors.links import LinksCollector
    from collectors.nic_counters import NicCountersCollector
    from collectors.probe.paths import PathProber
    from collectors.qdiscs import QdiscsCollector
    from collectors.rdma import RdmaCollector
    from collectors.results import ResultsCollector
    from collectors.roce_live import RoceLive
    from collectors.routes import RoutesCollector
    from collectors.tcpflows import TcpFlowsCollector

    book = RouteBook()
    return [
        RoutesCollector(clock, book, settings.routes),
        PathProber(settings.targets, book, clock),
        LinksCollector(clock),
        HostCollector(clock),
        TcpFlowsCollector(clock),
        RdmaCollector(clock),
        RoceLive(clock),
        NicCountersCollector(clock),
        HopTracer(clock, book),
        QdiscsCollector(clock),
        FactsCollector(clock),
        ResultsCollector(clock),
        ClockWatch(clock),
        *_service_collectors(settings, clock),
    ]


def _service_collectors(settings: Settings, clock: Clock) -> list[Collector]:
    """Return the collectors of services and ports: none where none is configured, and then nothing is sent."""
    if not settings.services and not settings.ports:
        return []
    from collectors.services.collector import PortsCollector, ServicesCollector

    return [ServicesCollector(settings.services, clock), PortsCollector(settings.ports, clock)]


def session_header(settings: Settings, collectors: Sequence[Collector], clock: Clock) -> Header:
    """Return the header of a session of this box that starts now."""
    notes = tuple(CollectorNote(c.name, tuple(need.what for need in c.needs())) for c in collectors)
    return new_header(clock, TOOL, msgspec.to_builtins(settings), notes)


def _earlier(host: str, before_ns: int) -> list[SessionFile]:
    """Open this box's earlier recordings; none where their directory cannot be read, which the recorder tells."""
    try:
        return earlier_files(state_directory(), host, before_ns, TOOL)
    except OSError:
        return []


def observe(settings: Settings) -> LiveFeed:
    """Return a feed of this box that has begun to observe, and to record where that is wanted."""
    clock = Clock()
    collectors = live_collectors(settings, clock)
    hub = Hub(collectors, clock)
    header = session_header(settings, collectors, clock)
    live = LiveStore()
    recorder = None
    if settings.record:
        recorder = Recorder(state_directory(), header, clock, tell=hub.emit, forbidden=NOT_TO_OWN_PLACE)
    store: Store = live
    if recorder is not None:
        began_ns = clock.now_ns()
        store = JoinedStore(live, lambda: recorder.state().parts, TOOL, lambda: _earlier(header.host, began_ns))
    feed = LiveFeed(hub, Inbox(clock), LiveTimeline(live, settings, store), header.host, recorder)
    feed.start()
    return feed
