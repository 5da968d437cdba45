"""Changes as data, with the command that undoes each by hand."""

from analysis.advice.plan import Change
from analysis.advice.situation import Situation
from analysis.text import Sentence


def sysctl(situation: Situation, name: str, proposed: str, meaning: Sentence) -> Change:
    """Return the change of sysctl `name` from what was read to `proposed`; raise `Missing` where it was not read."""
    current = " ".join(situation.text(f"sysctl.{name}").split())
    return Change("sysctl", name, current, proposed, meaning, f"sysctl -w {name}='{current}'")
