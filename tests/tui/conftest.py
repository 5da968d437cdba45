"""Screens under test do not depend on the developer's locale, time zone or terminal."""

import time
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _neutral_surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "NO_COLOR", "SSH_CONNECTION", "SSH_TTY", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
