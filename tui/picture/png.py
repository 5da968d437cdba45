"""PNG by way of a converter that may be on the box; none is bundled."""

import shutil
import subprocess
from pathlib import Path

from tui.text import _


class NoConverter(Exception):
    """There is no PNG to be had here; the message, in the person's language, says why and what to do."""


def to_png(svg: str, path: Path, zoom: float = 2.0) -> None:
    """Write an SVG's picture to `path`. Raises NoConverter where rsvg-convert is missing or fails."""
    program = shutil.which("rsvg-convert")
    if program is None:
        raise NoConverter(
            _("PNG needs rsvg-convert, which is not on this box: install librsvg2-bin, or write .svg instead.")
        )
    done = subprocess.run(
        [program, "--zoom", f"{zoom:g}", "--output", str(path)], input=svg.encode(), capture_output=True, check=False
    )
    if done.returncode:
        raise NoConverter(_("rsvg-convert failed: {why}", why=done.stderr.decode(errors="replace").strip()))
