"""Text for people, kept as data so that pure code can speak and the screen can translate."""

import re
from collections.abc import Callable
from typing import Final

import msgspec

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "translate later"
    """Mark `text` for the message catalogue and return it unchanged."""
    return text


class Sentence(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message id with `{name}` placeholders and the already formatted values that fill them."""

    text: str
    args: dict[str, "str | Sentence"] = {}

    def __str__(self) -> str:
        """Return the sentence in its source language (English)."""
        return told(self, str)


def say(text: str, /, **args: object) -> Sentence:
    """Return a Sentence; `text` is marked with `N_` at the call, values other than Sentences become text here."""
    return Sentence(
        text, {name: value if isinstance(value, Sentence) else str(value) for name, value in args.items()}
    )


def told(sentence: Sentence, translate: Callable[[str], str]) -> str:
    """Return a sentence, and every sentence within it, through `translate`."""
    args = {
        name: told(value, translate) if isinstance(value, Sentence) else value
        for name, value in sentence.args.items()
    }
    return fill(translate(sentence.text) if sentence.text else "", args)


def fill(text: str, args: dict[str, str]) -> str:
    """Put `args` into `{name}` placeholders; unknown names stay as they are.

    Not `str.format`: a recorded sentence may come from a stranger, and format specs can reach
    attributes or ask for gigabytes of padding.
    """
    return _PLACEHOLDER.sub(lambda m: args.get(m[1], m[0]), text)
