"""`longpipe replay` on the command line."""

from pathlib import Path

import pytest

from tests.collectors.session.samples import a_session, write_session
from tui.__main__ import main


@pytest.mark.parametrize(("at", "sent"), [("-1m", 240), ("+2m", 300)])
def test_the_state_at_a_time_before_the_end_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], at: str, sent: int
) -> None:
    session = write_session(tmp_path / "a.lps", a_session(300))
    assert main(["replay", "--at", at, "--plain", str(session)]) == 0
    assert f"sent {sent}," in capsys.readouterr().out
