"""The subcommands: one row here and one module each, with `add_arguments(parser)` and `run(args) -> int`."""

from typing import Final, NamedTuple

from tui.text import N_


class Command(NamedTuple):
    """A subcommand; its module is imported when it is asked for, so it costs the others nothing."""

    name: str
    words: str
    """What follows it, as the usage line shows it."""
    help: str

    @property
    def module(self) -> str:
        """Return where it is implemented."""
        return f"tui.commands.{self.name}"


COMMANDS: Final = (
    Command("dashboard", "[TARGET ...]", N_("the dashboard on this box; also without the word")),
    Command("demo", "", N_("the dashboard on a recorded session that comes with longpipe")),
    Command("replay", "[FILE ...]", N_("the dashboard on recorded sessions, nothing probed or written")),
    Command("record", "[TARGET ...]", N_("observe without a screen, into session files")),
    Command("report", "[TARGET ...]", N_("one test, one page, an exit code; also of a recorded session")),
    Command("roce", "FILE ... | -i IF", N_("what captures say about RoCE traffic")),
    Command("export", "FILE ...", N_("a session for others: smaller, without names, in other formats")),
    Command("diff", "A B", N_("what differs between two sessions, or before and after a moment of one")),
    Command("tune", "[plan|apply|status|confirm|rollback]", N_("what to change on this box: tried, kept, put back")),
    Command("path", "HOST", N_("hops, flows, MTU and carrier line of the way to a host")),
    Command("check", "[URL ...]", N_("services and ports, once: DNS, TCP, TLS, HTTP; what must not be reachable")),
    Command("bandwidth", "HOST | serve", N_("what a line carries, tested between two ends; asks first")),
    Command("doctor", "", N_("what this box lets us do, and the command that would allow the rest")),
    Command("config", "", N_("show, check or write the configuration")),
    Command("completions", "bash|zsh|fish", N_("completion for bash, zsh or fish")),
)
