"""Text from the network or a file, made safe to show."""

import re
from typing import Final

_SPACES: Final = "\t\n\r\v\f\x85\u2028\u2029"
_HIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\uf8ff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
"""Controls (Cc), format characters (Cf: a bidirectional override can make one name look like another), surrogates
and private use. Text that holds none of them is returned as it is, at the price of one search."""


def clean(text: str) -> str:
    """Return `text` as one line: line breaks and tabs become spaces, whatever else cannot be seen becomes "?"."""
    return _HIDDEN.sub(lambda found: " " if found[0] in _SPACES else "?", text)
