"""`longpipe demo`: the dashboard on the recorded session that ships in the package. No network, no privileges."""

import argparse
from importlib.resources import as_file, files
from typing import Final

from tui.cli import Parser
from tui.commands.replay import add_view_arguments, show_paths

SPEED: Final = 5.0
SKIP_S: Final = 90.0
"""The beginning has little to show: numbers want probes."""


def add_arguments(parser: Parser) -> None:
    """Add the options of this command: those of a replay."""
    add_view_arguments(parser, speed=SPEED)


def run(args: argparse.Namespace) -> int:
    """Show the shipped session."""
    with as_file(files("collectors").joinpath("data/demo.lps")) as path:
        return show_paths([path], args, skip_s=SKIP_S)
