"""The bottom line: the keys that work now, read from the live key map."""

from typing import Any, Final

from rich.cells import cell_len
from textual.keys import format_key
from textual.screen import Screen

from tui.text import N_, _
from tui.widgets.lines import Lines
from tui.widgets.runs import Run

_TEXTUALS: Final = {
    "quit": N_("Leave. Recording is closed cleanly."),
    "command_palette": N_("Find any action by its name."),
    "screen.copy_text": N_("Copy what the mouse has selected."),
}
"""What Textual's own bindings do, in our words."""


def live_keys(screen: Screen[Any], *, footer: bool = False) -> list[tuple[str, str, str]]:
    """Return (keys, label, explanation) of every action bound on `screen` now, each action once.

    `footer`: only those meant for the bottom line, and only their first key.
    """
    found: dict[str, tuple[list[str], str, str]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if footer and not binding.show:
            continue
        if not binding.description:
            continue
        keys, _label, _help = found.setdefault(
            binding.action, ([], _(binding.description), _(_TEXTUALS.get(binding.action, binding.tooltip)))
        )
        keys.append(screen.app.get_key_display(binding) or format_key(binding.key))
    return [
        (keys[0] if footer else " ".join(keys), label, explanation) for keys, label, explanation in found.values()
    ]


class KeyBar(Lines):
    """One row of keys and what they do."""

    def on_mount(self) -> None:
        """Follow every change of the key map."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _screen: self.refresh_keys())
        self.refresh_keys()

    def on_resize(self) -> None:
        """Show as many keys as fit."""
        self.refresh_keys()

    def refresh_keys(self) -> None:
        """Read the key map again."""
        runs: list[Run] = [(" ", "plain")]
        room = self.size.width - 1
        for key, label, _help in live_keys(self.screen, footer=True):
            room -= cell_len(f"{key} {label}")
            if room < 0:
                break
            runs += [(key, "accent"), (f" {label}  ", "dim")]
            room -= 2
        self.show([tuple(runs)])
