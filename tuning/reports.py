"""What the executor tells, line by line: one JSON object each, for the command line and the wizard."""

from typing import Final, Literal, TypeAlias

import msgspec

from analysis.text import Sentence
from tuning.journal import State

Event: TypeAlias = Literal["nothing", "armed", "step", "applied", "kept", "file", "rolled-back", "refused"]
"""`nothing`: all is so already. `armed`: the countdown runs. `step`: one value. `applied`: all steps, now confirm.
`kept`: confirmed. `file`: one file written, or why not. `rolled-back`: all that was ours is as it was found.
`refused`: nothing was done, for the reason told."""


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that has happened. `state` with "conflict" tells what was left alone."""

    event: Event
    plan: str = ""
    key: str = ""
    state: State | None = None
    value: str | None = None
    text: Sentence | None = None
    by: str = ""
    deadline_ns: int = 0
    trouble: bool = False
    """Not as hoped for: a conflict, a failure, a file that could not be written."""


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the executor is asked to do. `request` for "apply"; `plan`: which one, "" for the latest."""

    do: Literal["apply", "confirm", "rollback"]
    tool: str = "longpipe"
    request: msgspec.Raw = msgspec.Raw(b"null")
    plan: str = ""


ORDER: Final = msgspec.json.Decoder(Order)
REPORT: Final = msgspec.json.Decoder(Report)
