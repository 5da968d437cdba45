"""The command palette."""

from textual.command import CommandList, CommandPalette


class Palette(CommandPalette):
    """Textual's palette. That ends the program with a traceback when it is paged before its list was laid out."""

    def _action_command_list(self, action: str) -> None:
        if self.query_one(CommandList).size:
            super()._action_command_list(action)
