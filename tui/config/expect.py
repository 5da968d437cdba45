"""Expectation files: which services and ports must be there, read as strictly as the configuration."""

from collections.abc import Mapping, Sequence
from pathlib import Path as File

import msgspec

from analysis.services.url import BadUrl, place
from analysis.settings import Expectations
from tui.cli import CommandError, Exit
from tui.config.check import problems
from tui.config.sources import from_file
from tui.text import _, tell
from tui.widgets.clean import clean


def expectations_of(
    urls: Sequence[str], options: Mapping[str, object], hosts: Sequence[str], profile: str | None
) -> Expectations:
    """Return what words on a command line expect; `options` hold for every URL that has them. Raises CommandError."""
    services = [{"url": url, **_fitting(url, options)} for url in urls]
    for url in urls:
        try:
            place(url)
        except BadUrl as bad:
            raise CommandError(f"{clean(url)}: {tell(bad.problem)}", Exit.USAGE) from None
    ports = [{"hosts": list(hosts), "profile": profile}] if hosts else []
    data = {"services": services, "ports": ports}
    _refuse([problem.text for problem in problems(Expectations, data)])
    return msgspec.convert(data, Expectations)


def _fitting(url: str, options: Mapping[str, object]) -> dict[str, object]:
    """Return the options that a URL's kind has; a check may take as long as it is given, as there is no next one."""
    found = {key: value for key, value in options.items() if key != "resolvers" or url.lower().startswith("dns:")}
    return found if "timeout_s" not in found else {**found, "interval_s": 60}


def read_expectations(file: str) -> Expectations:
    """Return what a file expects, or raise CommandError (exit code 2) with every problem and its place."""
    layer = from_file(File(file), required=True)
    data = layer.data if layer else {}
    wrong = [f"{layer.place(problem.path)}: {problem.text}" for problem in problems(Expectations, data) if layer]
    if not wrong and not data:
        wrong = [_("{file}: nothing is expected; write [[services]] or [[ports]] blocks", file=file)]
    _refuse(wrong)
    return msgspec.convert(data, Expectations)


def _refuse(wrong: Sequence[str]) -> None:
    if wrong:
        raise CommandError("\n".join([*wrong, _("See what can be set: longpipe config --template")]), Exit.USAGE)
