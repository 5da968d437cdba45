"""What a person sees of a defect."""

from tests.tui.pty_run import PtyRun, python

FAILING = """
from tui.output.app import TerminalApp

class Failing(TerminalApp[int]):
    def on_mount(self):
        secret = "203.0.113." + str(77)
        raise LookupError(len(secret))

app = Failing()
app.run()
raise SystemExit(app.return_code)
"""


def test_a_defect_ends_the_program_with_its_place_and_no_values() -> None:
    with PtyRun(python("-c", FAILING), 100, 40) as run:
        assert run.exit_code() == 1
        seen = "\n".join(run.rows())
        assert "LookupError: 12" in seen
        assert "on_mount" in seen
        assert "203.0.113.77" not in seen
        assert run.settings == run.settings_before
