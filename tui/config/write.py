"""The configuration as TOML: a template that explains every key, and the values in force with their origins."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import inspect

from analysis.services.settings import PortSettings, ServiceSettings
from analysis.settings import RouteSettings, Settings, TargetSettings
from tui.config.check import limited_to
from tui.config.lines import Path
from tui.config.load import Configuration
from tui.text import _
from tui.widgets.clean import clean
from tui.widgets.wrap import wrap

_WIDTH = 100


def template() -> str:
    """Return a complete configuration file in which everything is explained and nothing is set.

    Explanations start with "# ", settings with "#": without that sign they are what is shipped, or an example.
    """
    shipped = Settings()
    head = _(
        "Configuration of longpipe. Everything here may be left out; what is shown is what is shipped, or an "
        "example where nothing is. Take the # away from what you change, and from the [[block]] above it."
    )
    places = _(
        "Read from: {places}", places="/etc/longpipe/config.toml, ~/.config/longpipe/config.toml, --config FILE"
    )
    parts = ["\n".join([*_comment(head), *_comment(places)])]
    parts += [_explained(field, getattr(shipped, field.name)) for field in _fields(Settings) if _is_plain(field)]
    for name in ("score", "objectives"):
        section = getattr(shipped, name)
        parts.append("\n".join([*_comment(_(_description_of(name))), f"[{name}]"]))
        parts += [_explained(field, getattr(section, field.name)) for field in _fields(type(section))]
    blocks: tuple[tuple[str, type[msgspec.Struct], msgspec.Struct], ...] = (
        ("targets", TargetSettings, shipped.targets[0]),
        ("routes", RouteSettings, RouteSettings("CN2")),
        ("services", ServiceSettings, ServiceSettings("https://console.vast.ai/")),
        ("ports", PortSettings, PortSettings(("10.0.0.5", "10.0.0.6"), "cluster")),
    )
    for name, kind, example in blocks:
        parts.append("\n".join([*_comment(_(_description_of(name))), f"#[[{name}]]"]))
        parts += [_explained(field, getattr(example, field.name)) for field in _fields(kind)]
        rest = shipped.targets[1:] if name == "targets" else ()
        parts += [f"#[[targets]]\n#host = {toml(target.host)}" for target in rest]
    return "\n\n".join(parts) + "\n"


def show(configuration: Configuration) -> str:
    """Return every value in force with where it came from, as a valid configuration file."""
    settings = configuration.settings
    lines = list(_values(settings, (), configuration.origins, _is_plain))
    for name in ("score", "objectives"):
        lines += ["", f"[{name}]", *_values(getattr(settings, name), (name,), configuration.origins)]
    for name in ("targets", "routes", "services", "ports"):
        items = getattr(settings, name)
        if not items:
            lines.insert(0, f"{name} = []  # {configuration.origins.get((name,), _('default'))}")
        for index, item in enumerate(items):
            lines += ["", f"[[{name}]]", *_values(item, (name, index), configuration.origins)]
    return "\n".join(lines) + "\n"


def toml(value: object) -> str:
    """Return a plain value as TOML."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml, value))}]"
    # JSON's strings, numbers and booleans are TOML's but for one control character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _values(
    section: msgspec.Struct,
    path: Path,
    origins: dict[Path, str],
    wanted: Callable[[inspect.Field], bool] = lambda _field: True,
) -> Iterator[str]:
    """Yield one line for each value of a section; one that is not set is a comment."""
    for field in filter(wanted, _fields(type(section))):
        value = getattr(section, field.name)
        origin = clean(origins.get((*path, field.name), _("default")))
        text = f"# {field.name}: {_('not set')}" if value is None else f"{field.name} = {toml(value)}"
        yield f"{text}  # {origin}"


def _fields(kind: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(kind)
    return info.fields if isinstance(info, inspect.StructType) else ()


def _is_plain(field: inspect.Field) -> bool:
    """Return whether a field is a value, not a section."""
    inner = field.type.type if isinstance(field.type, inspect.Metadata) else field.type
    tables = isinstance(inner, inspect.VarTupleType) and isinstance(inner.item_type, inspect.StructType)
    return not tables and not isinstance(inner, inspect.StructType)


def _schema(field: inspect.Field) -> dict[str, Any]:
    return (field.type.extra_json_schema if isinstance(field.type, inspect.Metadata) else None) or {}


def _description_of(section: str) -> str:
    field = next(field for field in _fields(Settings) if field.name == section)
    return str(_schema(field)["description"])


def _explained(field: inspect.Field, value: object) -> str:
    """Return the explanation of one key and a line that sets it."""
    schema = _schema(field)
    if value is None:
        value = schema["examples"][0]
    meaning = _(schema["description"])
    if limits := limited_to(field.type):
        meaning = f"{meaning} ({limits})"
    return "\n".join([*_comment(meaning), f"#{field.name} = {toml(value)}"])


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in wrap(text, _WIDTH)]
