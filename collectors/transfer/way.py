"""Which way out of this box a connection takes, so that what it measured is told of that way."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import NamedTuple

from analysis.samples import Route
from analysis.settings import RouteSettings
from analysis.text import N_, say
from collectors.nearby import is_nearby
from collectors.probe.stream import Binding
from collectors.routes import read_tables
from collectors.transfer.talk import Gone
from collectors.ways import Tables, ways_out


class Way(NamedTuple):
    """`route`: `Route.id`, or "" where no way out is taken; `gateway`: its next hop."""

    route: str = ""
    gateway: str | None = None


async def bound_to(name: str, settings: Sequence[RouteSettings]) -> Binding:
    """Return how a packet is made to take the route of a name or id. Raises `Gone` where there is none."""
    routes = [route for route in ways_out(await read_tables(), settings) if not route.standby]
    found = next((route for route in routes if name in (route.name, route.id)), None)
    if found is None:
        known = ", ".join(dict.fromkeys(route.name for route in routes)) or "–"
        raise Gone(say(N_("There is no route {name} here. There are: {known}"), name=name, known=known))
    return Binding(found.interface or None, found.source, found.mark)


async def way_to(address: str, local: str, binding: Binding, settings: Sequence[RouteSettings]) -> Way:
    """Return the way that a connection from `local` to `address`, bound like this, takes."""
    tables = await read_tables()
    if binding == Binding() and is_nearby(address):
        return Way()
    routes = (route for route in ways_out(tables, settings) if route.family == (6 if ":" in address else 4))
    interface = binding.interface or _owner(local, tables)
    fitting = [route for route in routes if not route.standby and _fits(route, interface, local, binding.mark)]
    return Way(fitting[0].id, fitting[0].gateway) if fitting else Way()


def _fits(route: Route, interface: str | None, local: str, mark: int) -> bool:
    return route.interface == interface and route.source in (None, local) and route.mark == mark


def _owner(local: str, tables: Tables) -> str | None:
    """Return the interface that has an address."""
    plain = ip_address(local.partition("%")[0])
    index = next((own.index for own in tables.addresses if own.address == plain), None)
    link = tables.links.get(index) if index is not None else None
    return link.name if link else None
