"""Text for people, kept as data so that pure code can speak and the screen can translate."""

import re
from typing import Final

import msgspec

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "translate later"
    """Mark `text` for the message catalogue and return it unchanged."""
    return text


class Sentence(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message id with `{name}` placeholders and the already formatted values that fill them."""

    text: str
    args: dict[str, str] = {}

    def __str__(self) -> str:
        """Return the sentence in its source language (English)."""
        return fill(self.text, self.args)


def say(text: str, **args: object) -> Sentence:
    """Return a Sentence; `text` is marked with `N_` at the call, values are turned into text here."""
    return Sentence(text, {name: str(value) for name, value in args.items()})


def fill(text: str, args: dict[str, str]) -> str:
    """Put `args` into `{name}` placeholders; unknown names stay as they are.

    Not `str.format`: a recorded sentence may come from a stranger, and format specs can reach
    attributes or ask for gigabytes of padding.
    """
    return _PLACEHOLDER.sub(lambda m: args.get(m[1], m[0]), text)
