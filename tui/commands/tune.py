"""`longpipe tune`: what to change on this box, trying it, keeping it, putting it back."""

import argparse
import sys
from typing import TYPE_CHECKING, Final

from tui.cli import CommandError, Exit, Parser, complain
from tui.text import _, tell, use_language
from tui.values import duration

if TYPE_CHECKING:
    from tui.tune.sources import Advised
    from tuning.plan import Refusal, Request, Wanted
    from tuning.reports import Order

GOALS: Final = ("none", "long-path", "lossless-fabric", "inference-across-sites", "storage")
ACTIONS: Final = ("plan", "apply", "status", "confirm", "rollback")
_EXECUTOR: Final = {0: Exit.OK, 1: Exit.DEGRADED, 2: Exit.ERROR, 4: Exit.PRIVILEGE}


def add_arguments(parser: Parser) -> None:
    """Add the options of this command."""
    parser.add_argument("action", choices=ACTIONS, nargs="?", default="plan", help=_("what to do (plan)"))
    parser.add_argument(
        "plan", metavar=_("PLAN"), nargs="?", default="", help=_("which one, with confirm and rollback")
    )
    source = parser.add_argument_group(_("what advice rests on"))
    source.add_argument("--goal", choices=GOALS, default="none", help=_("what the box is for"))
    source.add_argument("--bandwidth", type=float, metavar=_("MBPS"), help=_("what the path should carry, in Mb/s"))
    source.add_argument(
        "--for", dest="time", type=duration, default=10.0, metavar=_("TIME"), help=_("watch the box so long (10s)")
    )
    source.add_argument("--facts", metavar=_("PATH"), help=_("advise on a recorded box: a folder or an archive"))
    what = parser.add_argument_group(_("what is tried"))
    what.add_argument("--only", metavar=_("RULES"), help=_("of these rules only: T2,T5"))
    what.add_argument(
        "--set", action="append", metavar="KNOB:KEY=VALUE", help=_("this change instead of advice; may be repeated")
    )
    what.add_argument("--saved", metavar=_("FILE"), help=_("the plan that the wizard has saved"))
    what.add_argument(
        "--shape", metavar="IF=RATE", help=_("hold what leaves an interface to a rate, SSH first: eth0=900mbit")
    )
    what.add_argument(
        "--bond",
        metavar="NAME=IF,IF[,MODE][,ADDRESS]",
        help=_("plan a bond, as instructions and a file; never carried out"),
    )
    what.add_argument(
        "--write", metavar=_("FOLDER"), help=_("plan: write generated files into this folder, as new files")
    )
    what.add_argument("--yes", action="store_true", help=_("do it; without this, only show what would be done"))
    what.add_argument(
        "--timeout",
        type=duration,
        default=120.0,
        metavar=_("TIME"),
        help=_("unless confirmed by then, everything goes back by itself (2m)"),
    )
    parser.add_argument("--all", action="store_true", help=_("tell also why the other rules propose nothing"))
    parser.add_argument(
        "--json",
        action="store_true",
        help=_("print data, not text: plan (schema longpipe.plan/1), status (longpipe.trials/1)"),
    )
    parser.add_argument("--quiet", action="store_true", help=_("no status line"))


def run(args: argparse.Namespace) -> int:
    """Do what was asked; exit code 0 done, 1 refused, 3 not as hoped for, 4 not root, 130 interrupted."""
    match args.action:
        case "plan":
            return _plan(args)
        case "apply":
            return _apply(args)
        case "status":
            return _status(args)
        case _:
            from tuning.reports import Order

            _require_root()
            return _execute(Order(args.action, _tool(), plan=args.plan))


def _plan(args: argparse.Namespace) -> int:
    from tui.tune.text import advice

    advised, whole = _advised(args)
    if args.json:
        import msgspec

        from analysis.advice.plan import rendered

        print(msgspec.json.format(msgspec.json.encode(rendered(advised.plan, tell))).decode())
    else:
        print("\n".join(advice(advised.plan, everything=args.all)))
    if args.write:
        from tui.tune.wishes import write

        for path in write(args.write, [file for each in advised.plan.recommendations for file in each.files]):
            complain(_("written: {path}", path=path))
    return Exit.OK if whole else Exit.INTERRUPTED


def _apply(args: argparse.Namespace) -> int:
    """Show what would be done, or do it: apply, look whether the box is still reachable, and ask to confirm."""
    from tui.tune.text import review
    from tuning.conflicts import conflicts
    from tuning.failure import Refused
    from tuning.host import Host
    from tuning.plan import steps

    if args.facts:
        raise CommandError(_("--facts is for plan: a recorded box cannot be changed"), Exit.USAGE)
    if args.yes:
        _require_root()
    host = Host()
    try:
        asked, left_out = _request(args)
        made = steps(host, asked)
    except Refused as refused:
        raise CommandError(tell(refused.why)) from refused
    if not made:
        print(_("Everything is so already; nothing was changed."))
        return Exit.OK
    print("\n".join(review(made, left_out, conflicts(host, asked.changes))))
    if not args.yes:
        print(_("To try this: {command}", command=_again("--yes")))
        return Exit.OK
    return _try(asked)


def _try(asked: "Request") -> int:
    """Apply; where what answered before is silent afterwards, put everything back at once."""
    from tuning.client import applying
    from tuning.host import Host
    from tuning.reports import Order
    from tuning.session import connection, peer_of
    from tuning.verify import lost, reach

    host, peer = Host(), peer_of(connection())
    before = reach(host, peer)
    code = _execute(applying(asked, _tool()))
    if code:
        return code
    if silent := lost(before, reach(host, peer)):
        complain(" ".join(tell(why) for why in silent))
        return _execute(Order("rollback", _tool(), plan=asked.id)) or Exit.DEGRADED
    print(_("Keep it: longpipe tune confirm    Put it back now: longpipe tune rollback"))
    return Exit.OK


def _status(args: argparse.Namespace) -> int:
    """Tell what is in force; exit code 3 where something was changed since, or a trial was cut short."""
    import msgspec

    from tui.tune.text import trials
    from tuning.failure import Refused
    from tuning.host import Host
    from tuning.status import Trials, status

    _require_root()
    try:
        found = status(Host())
    except Refused as refused:
        raise CommandError(tell(refused.why)) from refused
    if args.json:
        print(msgspec.json.format(msgspec.json.encode(Trials(found))).decode())
    else:
        print("\n".join(trials(found)))
    cut_short = any(trial.in_force and not trial.pending and trial.state != "confirmed" for trial in found)
    drifted = any(step.drifted for trial in found for step in trial.steps)
    return Exit.DEGRADED if cut_short or drifted else Exit.OK


def _advised(args: argparse.Namespace) -> "tuple[Advised, bool]":
    from tui.config.load import load
    from tui.tune.sources import Wish, of_recorded_box, of_this_box
    from tui.tune.wishes import bond, shape

    wish = Wish(shape(args.shape) if args.shape else None, bond(args.bond) if args.bond else None)
    configuration = load([], file=args.config)
    settings = configuration.settings
    use_language(settings.language if args.lang is None else args.lang)
    for notice in configuration.notices:
        complain(notice)
    wanted_bps = None if args.bandwidth is None else round(args.bandwidth * 1e6)
    if args.facts:
        return of_recorded_box(args.facts, settings, args.goal, wanted_bps, wish), True
    status = not args.quiet and sys.stderr.isatty()
    return of_this_box(settings, args.goal, wanted_bps, args.time, wish, status=status)


def _request(args: argparse.Namespace) -> "tuple[Request, tuple[Refusal, ...]]":
    """Return the plan to try, of changes that were given or of advice, and what is left out of it."""
    from msgspec.structs import replace

    from tui.tune.saved import load
    from tuning.host import Host
    from tuning.plan import request, sort_out, wanted_from
    from tuning.session import connection, peer_of, session_path

    if args.saved:
        saved = load(args.saved)
        return replace(saved, management=session_path(Host(), peer_of(connection()))), ()
    if args.set:
        changes = tuple(_given(text) for text in args.set)
    else:
        advised, whole = _advised(args)
        if not whole:
            raise KeyboardInterrupt
        asked = {"T31"} if args.shape else None
        chosen = asked if args.only is None else set(args.only.split(","))
        changes = wanted_from(r for r in advised.plan.recommendations if chosen is None or r.id in chosen)
    management = session_path(Host(), peer_of(connection()))
    accepted, left_out = sort_out(changes, management)
    if not accepted or (args.set and left_out):
        reasons = " ".join(tell(refusal.why) for refusal in left_out)
        if args.shape and not changes:
            reasons = _why_not(advised, "T31")
        raise CommandError(reasons or _("Nothing measured asks for a change."), Exit.ERROR if reasons else Exit.OK)
    return request(accepted, management, goal=args.goal, deadman_s=round(args.timeout)), left_out


def _why_not(advised: "Advised", rule: str) -> str:
    """Return what a rule that changes nothing says."""
    plan = advised.plan
    whys = [(each.id, text) for each in plan.recommendations for text in each.instructions]
    whys += [(v.id, v.why) for v in plan.kept]
    whys += [(v.id, v.why) for v in plan.not_applicable]
    whys += [(v.id, v.why) for v in plan.unknown]
    return " ".join(tell(why) for name, why in whys if name == rule)


def _given(text: str) -> "Wanted":
    """Return the change in "sysctl:net.ipv4.tcp_mtu_probing=1", from what is so now."""
    from tuning.host import Host
    from tuning.knobs.registry import KNOBS
    from tuning.plan import given

    knob, colon, rest = text.partition(":")
    key, equals, value = rest.partition("=")
    if not (colon and equals and knob in KNOBS):
        kinds = ", ".join(sorted(KNOBS))
        raise CommandError(
            _("{text} is no change; write KNOB:KEY=VALUE, with one of {kinds}", text=text, kinds=kinds), Exit.USAGE
        )
    return given(Host(), knob, key, value)


def _execute(order: "Order") -> int:
    """Start the executor, say what it tells, and return the exit code."""
    from tui.tune.text import report
    from tuning.client import Execution

    execution = Execution(order)
    for told in execution:
        line = report(told)
        if line and told.trouble:
            complain(line)
        elif line:
            print(line, flush=True)
    return _EXECUTOR.get(execution.code or 0, Exit.ERROR)


def _require_root() -> None:
    """Give up where the executor would, with the command that is allowed to."""
    from tuning.client import is_root

    if not is_root():
        why = _(
            "Only root may change the settings of this box, and read what was changed. Run: {command}",
            command=_again(),
        )
        raise CommandError(why, Exit.PRIVILEGE)


def _again(*more: str) -> str:
    """Return this same command line for root, with `more` words."""
    from tui.tune.saved import for_root

    return for_root(*sys.argv[1:], *more)


def _tool() -> str:
    from tui import __version__

    return f"longpipe {__version__}"
