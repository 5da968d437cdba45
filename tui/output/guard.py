"""Leaving in good order: hang-up, termination, a closed terminal."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from typing import Any, Final

from textual.app import App

_SIGNALS: Final = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
_GRACE_S: Final = 5.0
"""After so long the process ends even if something does not let go."""


class TerminalGuard:
    """Ends an app once, whatever the reason: first `on_gone`, then the terminal, then the process."""

    def __init__(self) -> None:
        self._left = False
        self._app: App[Any] | None = None
        self._on_gone: Callable[[], object] = _nothing

    def install(self, app: App[Any], on_gone: Callable[[], object]) -> None:
        """Watch over `app`, from its event loop. `on_gone` stops what runs, without blocking.

        A signal that was ignored when the process began (nohup) stays ignored.
        """
        self._app, self._on_gone = app, on_gone
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self.leave, 128 + number)

    def leave(self, exit_code: int = 128 + signal.SIGHUP) -> None:
        """Stop everything and end with `exit_code`."""
        if self._left or self._app is None:
            return
        self._left = True
        last_resort = threading.Timer(_GRACE_S, os._exit, (exit_code,))
        last_resort.daemon = True
        last_resort.start()
        self._on_gone()
        self._app.exit(return_code=exit_code)


def _nothing() -> None:
    """Do nothing: until an app is watched."""
