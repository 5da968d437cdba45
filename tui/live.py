"""Composes what observes this box."""

import socket

from analysis.settings import Settings
from collectors.base import Collector
from collectors.clock import Clock
from collectors.hub import Hub, Inbox
from collectors.routebook import RouteBook
from collectors.store import LiveStore
from collectors.timeline import LiveTimeline
from tui.feed import LiveFeed


def live_collectors(settings: Settings, clock: Clock) -> list[Collector]:
    """Return every collector of this box, the routes first: probing waits for them."""
    from collectors.facts import FactsCollector
    from collectors.host import HostCollector
    from collectors.links import LinksCollector
    from collectors.probe.paths import PathProber
    from collectors.qdiscs import QdiscsCollector
    from collectors.rdma import RdmaCollector
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
        QdiscsCollector(clock),
        FactsCollector(clock),
    ]


def observe(settings: Settings) -> LiveFeed:
    """Return a feed of this box that has begun to observe."""
    clock = Clock()
    hub = Hub(live_collectors(settings, clock), clock)
    feed = LiveFeed(hub, Inbox(clock), LiveTimeline(LiveStore(), settings), socket.gethostname())
    feed.start()
    return feed
