"""What the program says, in the language of the person. Nothing heavy is imported: `--help` passes through here.

In tui a string is marked and translated at once: `_("{n} probes", n=12)`. Sentences of the pure packages are
translated where they are shown: `tell(sentence)`. A string in a table is marked with `N_` and passed to `_` later.
"""

import gettext
import os
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from analysis.text import Sentence

Language = Literal["en", "zh_CN"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh_CN")
DOMAIN: Final = "longpipe"
LOCALE_DIR: Final = __file__.rpartition("/")[0] + "/locale"

_SIMPLIFIED: Final = ("zh", "zh_CN", "zh_SG", "zh_Hans")
_translations: gettext.NullTranslations = gettext.NullTranslations()
_language: Language = "en"


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "translate later"
    """Mark `text` for the message catalogue and return it unchanged."""
    return text


def _(text: str, /, **args: object) -> str:
    """Return `text` in the chosen language, its `{name}` placeholders filled with `args`."""
    translated = _translations.gettext(text) if text else ""
    if not args:
        return translated
    from analysis.text import fill

    return fill(translated, {name: str(value) for name, value in args.items()})


def tell(sentence: "Sentence") -> str:
    """Return a sentence of the pure packages in the chosen language."""
    from analysis.text import told

    return told(sentence, _translations.gettext)


def named(name: str, text: str) -> str:
    """Return what is said of something, under its name, joined as the language joins them."""
    return _("{name}: {text}", name=name, text=text)


def language() -> Language:
    """Return the language that is spoken now."""
    return _language


def use_language(wanted: str | None = None) -> Language:
    """Choose the language: `wanted`, or for None and "auto" the one of the locale. Return what was chosen."""
    global _language, _translations
    _language = _of_locale() if wanted in (None, "auto") else _supported(wanted or "")
    _translations = gettext.translation(DOMAIN, LOCALE_DIR, [_language], fallback=True)
    # argparse has its own strings looked up by the global domain and the environment.
    gettext.bindtextdomain(DOMAIN, LOCALE_DIR)
    gettext.textdomain(DOMAIN)
    os.environ["LANGUAGE"] = _language
    return _language


def _of_locale() -> Language:
    """Return the language of the locale (POSIX XBD 8.2: LC_ALL, then LC_MESSAGES, then LANG)."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(variable):
            return _supported(value)
    return "en"


def _supported(locale: str) -> Language:
    """Return the language to speak to someone with `locale` ("zh_CN.UTF-8", "de")."""
    return "zh_CN" if locale.partition(".")[0].partition("@")[0] in _SIMPLIFIED else "en"
