"""PNG by way of a converter that may be on the box; none is bundled."""

import shutil
import subprocess

from tui.cli import CommandError
from tui.text import _


def png(svg: str, zoom: float = 2.0) -> bytes:
    """Return an SVG's picture. Raises CommandError where rsvg-convert is missing or fails."""
    program = shutil.which("rsvg-convert")
    if program is None:
        raise CommandError(
            _("PNG needs rsvg-convert, which is not on this box: install librsvg2-bin, or write .svg instead.")
        )
    done = subprocess.run([program, "--zoom", f"{zoom:g}"], input=svg.encode(), capture_output=True, check=False)
    if done.returncode:
        raise CommandError(_("rsvg-convert failed: {why}", why=done.stderr.decode(errors="replace").strip()))
    return done.stdout
