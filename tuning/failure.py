"""Why something was not done, as a sentence for the person."""

from analysis.text import Sentence


class Refused(Exception):
    """The request is not carried out, and nothing was changed for it."""

    def __init__(self, why: Sentence) -> None:
        super().__init__(str(why))
        self.why = why


class Conflict(Refused):
    """Somebody else has changed what was to be changed; it is left as they made it."""
