"""The table of carrier lines and, where there is one, a local database of AS numbers. Nothing is looked up online."""

from importlib.resources import files
from pathlib import Path
from typing import Final

from analysis.path.carriers import AsnOf, Table, parse_table
from analysis.text import N_, say
from collectors.base import Unavailable

NAME: Final = "carriers.toml"
_ASN_FIELDS: Final = ("autonomous_system_number", "asn", "as_number")


def load_table(config_dir: Path | None = None) -> Table:
    """Return the table that ships with longpipe and the person's own rows in `config_dir`.

    Raises `analysis.path.carriers.TableError` where that file is wrong, OSError where it cannot be read.
    """
    own = config_dir / NAME if config_dir else None
    texts = [files("analysis.path").joinpath(NAME).read_text(encoding="utf-8")]
    if own is not None and own.exists():
        texts.append(own.read_text(encoding="utf-8"))
    return parse_table(*texts)


def asn_database(path: Path) -> AsnOf:
    """Return a look-up in a MaxMind or IPinfo database (.mmdb). Raises Unavailable where it cannot be used."""
    try:
        import maxminddb
    except ModuleNotFoundError as missing:
        what = say(N_("AS numbers need the maxminddb package. To install it, run: pip install longpipe[asn]"))
        raise Unavailable(what, permanent=True) from missing
    try:
        reader = maxminddb.open_database(path)
    except (OSError, maxminddb.InvalidDatabaseError) as problem:
        what = say(N_("{file} cannot be used as a database of AS numbers: {reason}"), file=path, reason=problem)
        raise Unavailable(what, permanent=True) from problem
    return lambda address: asn_in(reader.get(address.partition("%")[0]))


def asn_in(record: object) -> int | None:
    """Return the AS number in a database record, in MaxMind's form (number) or IPinfo's ("AS4134")."""
    if not isinstance(record, dict):
        return None
    for field in _ASN_FIELDS:
        value = record.get(field)
        if isinstance(value, int):
            return value
        if isinstance(value, str) and value[:2].upper() == "AS" and value[2:].isdecimal():
            return int(value[2:])
    return None
