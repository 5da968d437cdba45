"""`longpipe config`: what is set and by whom, whether it is right, and a template to begin with."""

import argparse

from tui.cli import Exit, Parser, complain
from tui.text import _


def add_arguments(parser: Parser) -> None:
    """Add the options of this command."""
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--show", action="store_true", help=_("print every value and where it came from (default)"))
    action.add_argument("--check", action="store_true", help=_("only say whether everything is right"))
    action.add_argument(
        "--template", action="store_true", help=_("print a complete configuration file with explanations")
    )


def run(args: argparse.Namespace) -> int:
    """Print what was asked for; data on stdout, remarks on stderr."""
    from tui.config import write
    from tui.config.load import load

    if args.template:
        print(write.template(), end="")
        return Exit.OK
    configuration = load(file=args.config)
    for notice in configuration.notices:
        complain(notice)
    if args.check:
        names = ", ".join(configuration.files) or _("no file")
        print(_("The configuration is right. Read: {names}", names=names))
    else:
        print(write.show(configuration), end="")
    return Exit.OK
