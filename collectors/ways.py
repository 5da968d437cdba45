"""From the kernel's tables to ways out of this box, and what the config calls them. Pure."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from analysis.samples import Route
from analysis.settings import RouteSettings
from collectors.rtnetlink import MAIN_TABLE, Address, DefaultRoute, Family, Link, OwnAddress, Rule


class Tables(msgspec.Struct, frozen=True):
    """Everything that decides how packets leave this box."""

    links: dict[int, Link]
    addresses: Sequence[OwnAddress]
    rules: Sequence[Rule]
    defaults: Sequence[DefaultRoute]


def ways_out(tables: Tables, settings: Iterable[RouteSettings] = ()) -> tuple[Route, ...]:
    """Return every way out, named and added to as the config says: first what plain packets take, best first."""
    return _configured(_standing_by(_distinct(_found(tables))), settings, tables)


def _found(tables: Tables) -> Iterator[Route]:
    """Yield one route for each next hop and each way our packets have to be made to take it."""
    known = {rule.table for rule in tables.rules}
    for rule in sorted(tables.rules, key=_order):
        followed = (d for d in tables.defaults if d.family == rule.family and _leads(rule, d, known))
        for default in sorted(followed, key=lambda default: default.metric):
            link = tables.links.get(default.index)
            if link is None or rule.interface not in (None, link.name):
                continue
            for source in _sources(rule, default, tables.addresses):
                yield _route(default, link, source, rule)


def _order(rule: Rule) -> tuple[int, bool, int]:
    return rule.family, bool(rule.mark or rule.source), rule.priority


def _leads(rule: Rule, default: DefaultRoute, known: set[int | None]) -> bool:
    """Say whether a rule leads to a default's table; a VRF's table is one that no rule names."""
    return default.table == rule.table if rule.table is not None else default.table not in known


def _sources(rule: Rule, default: DefaultRoute, own: Iterable[OwnAddress]) -> Iterator[Address | None]:
    """Yield the source addresses that make the rule match; none where the box has lost them."""
    if rule.source is None:
        yield default.source
    else:
        yield from (known.address for known in own if known.address in rule.source)


def _route(default: DefaultRoute, link: Link, source: Address | None, rule: Rule) -> Route:
    gateway, origin = _text(default.gateway), _text(source)
    chosen_by = ""
    if rule.source is not None:
        chosen_by += f" from {origin}"
    if rule.mark:
        chosen_by += f" mark {rule.mark:#x}"
    return Route(
        id=_identity(default.family, link.name, gateway, origin, default.table, rule.mark),
        name=link.name + chosen_by,
        family=default.family,
        interface=link.name,
        gateway=gateway,
        source=origin,
        table=default.table,
        mark=rule.mark,
        metric=default.metric,
        up=default.usable and link.running,
    )


def _identity(family: int, interface: str, gateway: str | None, source: str | None, table: int, mark: int) -> str:
    """Return the words of `ip route` that set one way apart from the others."""
    parts = ["-6"] if family == 6 else []
    parts.append(f"dev {interface}" if interface else "any")
    parts += [f"via {gateway}"] if gateway else []
    parts += [f"src {source}"] if source else []
    parts += [f"table {table}"] if table != MAIN_TABLE else []
    parts += [f"mark {mark:#x}"] if mark else []
    return " ".join(parts)


def _distinct(routes: Iterable[Route]) -> list[Route]:
    """Keep the first of each identity: the preferred one."""
    kept: dict[str, Route] = {}
    for route in routes:
        kept.setdefault(route.id, route)
    return list(kept.values())


def _standing_by(routes: Iterable[Route]) -> list[Route]:
    """Mark those that no packet of ours can be made to take while a better one is there."""
    taken: set[tuple[object, ...]] = set()
    marked = []
    for route in routes:
        how = (route.family, route.interface, route.source, route.mark)
        behind = how in taken
        if route.up:
            taken.add(how)
        name = f"{route.name} via {route.gateway}" if behind and route.gateway else route.name
        marked.append(msgspec.structs.replace(route, standby=behind, name=name))
    return marked


def _configured(routes: list[Route], settings: Iterable[RouteSettings], tables: Tables) -> tuple[Route, ...]:
    """Name the routes that a setting describes; add one where it describes none."""
    for setting in settings:
        matching = [route for route in routes if _describes(setting, route)]
        renamed = {route.id: msgspec.structs.replace(route, name=setting.name) for route in matching}
        routes = [renamed.get(route.id, route) for route in routes]
        if not matching:
            routes.append(_added(setting, tables))
    return tuple(routes)


def _describes(setting: RouteSettings, route: Route) -> bool:
    wanted = (setting.interface, setting.gateway, setting.source, setting.mark, setting.table)
    given = (route.interface, route.gateway, route.source, route.mark, route.table)
    return all(want is None or want == have for want, have in zip(wanted, given, strict=True))


def _added(setting: RouteSettings, tables: Tables) -> Route:
    """Return the way out that a setting alone knows; down while its interface or source address is missing."""
    running = {link.name for link in tables.links.values() if link.running}
    owner = {str(own.address): tables.links[own.index].name for own in tables.addresses if own.index in tables.links}
    interface = setting.interface or owner.get(setting.source or "", "")
    reachable = interface in running or (not interface and setting.mark is not None)
    present = setting.source is None or setting.source in owner
    family: Family = 6 if ":" in (setting.source or setting.gateway or "") else 4
    table, mark = setting.table or MAIN_TABLE, setting.mark or 0
    return Route(
        id=_identity(family, interface, setting.gateway, setting.source, table, mark),
        name=setting.name,
        family=family,
        interface=interface,
        gateway=setting.gateway,
        source=setting.source,
        table=table,
        mark=mark,
        up=reachable and present,
    )


def _text(address: Address | None) -> str | None:
    return None if address is None else str(address)
