"""`longpipe completions SHELL`: completion of commands and options, made from the parsers themselves."""

import argparse
import importlib

from tui.cli import Exit, Parser
from tui.commands import COMMANDS
from tui.text import _

_BASH = """\
_longpipe() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} words
  case ${{COMP_WORDS[1]}} in
{cases}
    *) words='{first}' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _longpipe longpipe
"""

_ZSH = """\
#compdef longpipe
_longpipe() {{
  local -a options
  if (( CURRENT == 2 )); then
    local -a commands=({commands})
    _describe command commands
  fi
  case $words[2] in
{cases}
    *) options=({first}) ;;
  esac
  compadd -- $options
  _files
}}
compdef _longpipe longpipe
"""


def add_arguments(parser: Parser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help=_("bash: eval the output; others: see README"))


def run(args: argparse.Namespace) -> int:
    """Print the completion script."""
    print({"bash": _bash, "zsh": _zsh, "fish": _fish}[args.shell](), end="")
    return Exit.OK


def options(command: str) -> dict[str, str]:
    """Return the long options of a command and what they do."""
    parser = Parser(prog=command)
    importlib.import_module(f"tui.commands.{command}").add_arguments(parser)
    return {
        name: action.help or ""
        for action in parser._actions  # the standard library has no public way
        for name in action.option_strings
        if name.startswith("--")
    }


def _bash() -> str:
    cases = [f"    {command.name}) words='{' '.join(options(command.name))}' ;;" for command in COMMANDS]
    first = " ".join([*(command.name for command in COMMANDS), *options("dashboard")])
    return _BASH.format(cases="\n".join(cases), first=first)


def _zsh() -> str:
    cases = [f"    {command.name}) options=({' '.join(options(command.name))}) ;;" for command in COMMANDS]
    commands = " ".join(_quoted(f"{command.name}:{_(command.help)}") for command in COMMANDS)
    return _ZSH.format(cases="\n".join(cases), commands=commands, first=" ".join(options("dashboard")))


def _fish() -> str:
    lines = [
        f"complete -c longpipe -n __fish_use_subcommand -a {command.name} -d {_quoted(_(command.help))}"
        for command in COMMANDS
    ]
    for command in COMMANDS:
        condition = _quoted(f"__fish_seen_subcommand_from {command.name}")
        lines += [
            f"complete -c longpipe -n {condition} -l {name.removeprefix('--')} -d {_quoted(text)}"
            for name, text in options(command.name).items()
        ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Quote for zsh and fish alike: single quotes, with none inside."""
    return "'" + text.replace("'", "’") + "'"
