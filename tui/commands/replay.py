"""`longpipe replay FILE ...`: the dashboard on recorded sessions. Nothing is probed, resolved or written."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tui.cli import CommandError, Exit, Parser, accept_offsets, complain
from tui.text import _, tell, use_language

if TYPE_CHECKING:
    from analysis.settings import Settings
    from collectors.session.sources import Folder, Source
    from tui.replay import ReplayFeed


def add_arguments(parser: Parser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "files", metavar=_("FILE"), nargs="*", help=_("session files or directories (default: your own)")
    )
    add_view_arguments(parser, speed=1.0)


def add_view_arguments(parser: Parser, *, speed: float) -> None:
    """Add the options that say how recorded sessions are seen."""
    accept_offsets(parser)
    parser.add_argument("--at", metavar=_("TIME"), help=_("begin there: 14:02, -5m from the end, yesterday 23:10"))
    parser.add_argument("--speed", type=float, default=speed, help=_("play so many times faster, 0.1 to 600"))
    parser.add_argument("--ascii", action="store_true", help=_("draw with ASCII characters only"))
    parser.add_argument("--plain", action="store_true", help=_("print the state at the end, or at --at, and exit"))


def run(args: argparse.Namespace) -> int:
    """Open the sessions and show them."""
    from collectors.session.recorder import state_directory

    return show_paths([Path(name) for name in args.files] or [state_directory()], args)


def show_paths(paths: list[Path], args: argparse.Namespace, *, skip_s: float = 0.0) -> int:
    """Show the sessions in files or directories as `add_view_arguments` says, from `skip_s` after the start on."""
    from collectors.session.header import Unreadable
    from collectors.session.sources import Folder, open_sources
    from tui.config.load import Option, load
    from tui.live import TOOL
    from tui.widgets.clean import clean

    options = [Option(("glyphs",), "--ascii", "ascii")] if args.ascii else []
    settings = load(options, file=args.config).settings
    use_language(settings.language if args.lang is None else args.lang)
    try:
        sources = open_sources(paths, TOOL)
    except Unreadable as problem:
        raise CommandError(clean(tell(problem.problem))) from problem
    except OSError as error:
        raise CommandError(_("{file}: {why}", file=error.filename, why=error.strerror)) from error
    if not sources:
        raise CommandError(_("There is no session in {place}.", place=", ".join(map(str, paths))))
    return _show(sources, Folder(paths, sources, TOOL), settings, args, skip_s)


def _show(
    sources: "list[Source]", folder: "Folder", settings: "Settings", args: argparse.Namespace, skip_s: float
) -> int:
    from tui.replay import ReplayFeed, damage
    from tui.widgets.clean import clean

    problems = damage(sources)
    for problem in problems:
        complain(clean(problem))
    feed = ReplayFeed(sources, settings, folder)
    plain = args.plain or not (sys.stdin.isatty() and sys.stdout.isatty())
    _place(feed, args, skip_s, at_end=plain)
    if plain:
        from analysis.view import Lens
        from tui.plain import lines

        print("\n".join(lines(feed.player.timeline.view(Lens()))))
        return Exit.DEGRADED if problems else Exit.OK
    from tui.app import show

    return show(lambda: feed, settings)


def _place(feed: "ReplayFeed", args: argparse.Namespace, skip_s: float, *, at_end: bool) -> None:
    """Put the cursor where the person wants it."""
    from collectors.player import SPEEDS
    from tui.moments import NotATime, moment

    player = feed.player
    player.speed = min(SPEEDS, key=lambda speed: abs(speed - args.speed))
    span = player.timeline.store.span()
    if span is None:
        return
    if args.at:
        try:
            player.seek(moment(args.at, span[1], *span))
        except NotATime as problem:
            raise CommandError(str(problem), Exit.USAGE) from problem
    elif at_end:
        player.end()
    elif skip_s:
        player.seek(span[0] + int(skip_s * 1e9))
        player.toggle()
