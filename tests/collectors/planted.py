"""Makes small trees of files that stand in for /proc and /sys."""

from collections.abc import Mapping
from pathlib import Path

from collectors.root import Root


def plant(where: Path, files: Mapping[str, str], links: Mapping[str, str] | None = None) -> Root:
    """Write files, and symbolic links whose targets need not exist; return them as a root."""
    for path, text in files.items():
        file = where / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for path, target in (links or {}).items():
        link = where / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
    return Root(str(where))
