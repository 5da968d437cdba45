"""Makes facts: a value with its source, or the reason why there is none."""

from collections.abc import Callable

from analysis.samples import Fact
from analysis.text import N_, Sentence, say
from collectors.root import NotRecorded, Root

Facts = dict[str, Fact]


def known(value: object, source: str) -> Fact:
    """Return a fact with a value."""
    return Fact(str(value), source)


def unknown(problem: Sentence, source: str) -> Fact:
    """Return a fact without one."""
    return Fact(source=source, problem=problem)


def attempt(source: str, read: Callable[[], object]) -> Fact:
    """Return what `read` returns as a fact, or why it could not be read."""
    try:
        return known(read(), source)
    except OSError as failure:
        return unknown(why(failure), source)
    except (ValueError, LookupError, StopIteration):
        return unknown(say(N_("It is there, but not written as expected.")), source)


def from_file(root: Root, path: str) -> Fact:
    """Return a file's text with white space between words made single spaces."""
    return attempt("/" + path, lambda: " ".join(root.read_text(path).split()))


def yes(value: bool) -> str:
    """Return "yes" or "no"."""
    return "yes" if value else "no"


def why(failure: OSError) -> Sentence:
    """Say why a file of the kernel's could not be read."""
    if isinstance(failure, NotRecorded):
        return say(N_("“{path}” is not part of this recording."), path=f"/{failure.filename}")
    if isinstance(failure, FileNotFoundError):
        return say(N_("This kernel does not have it, or the module it belongs to is not loaded."))
    if isinstance(failure, PermissionError):
        return say(N_("Not readable without root."))
    return say(N_("Could not be read: {why}."), why=failure.strerror or failure)
