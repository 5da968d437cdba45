"""Ask for a word to be typed: a key pressed by mistake confirms nothing."""

from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.text import N_, Language, _, language
from tui.widgets.lines import Lines
from tui.widgets.wrap import wrap_rows

Word = dict[Language, str]
APPLY: Final[Word] = {"en": "apply", "zh_CN": "应用"}
KEEP: Final[Word] = {"en": "keep", "zh_CN": "保留"}


class ConfirmScreen(ModalScreen[bool]):
    """A question and one line of input. Only the word, in either language, says yes."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(False)", N_("no"))]

    def __init__(self, title: str, question: str, word: Word) -> None:
        super().__init__()
        self._title = title
        self._question = question
        self._word = word

    def compose(self) -> ComposeResult:
        """Make the question and the input."""
        with Vertical(id="confirm") as frame:
            frame.border_title = self._title
            frame.border_subtitle = _("Esc: no")
            yield Lines(id="confirm-question")
            yield Input(placeholder=_("type {word}", word=self._word[language()]), id="confirm-word", compact=True)

    def on_resize(self) -> None:
        """Write for the new size, the first one too."""
        self.call_after_refresh(self._show, self._question)

    def _show(self, text: str) -> None:
        lines = self.query_one("#confirm-question", Lines)
        rows = wrap_rows(text, max(20, lines.size.width))
        lines.styles.height = len(rows)
        lines.show(rows)

    @on(Input.Submitted)
    def _answered(self, event: Input.Submitted) -> None:
        typed = event.value.strip().casefold()
        if typed in self._word.values():
            self.dismiss(True)
        elif not typed:
            self.dismiss(False)
        else:
            self._show(_("“{typed}” is not {word}: nothing was done.", typed=typed, word=self._word[language()]))
