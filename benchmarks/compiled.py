"""The packages as pip leaves them: compiled. A source tree is compiled at every start where Python may not write."""

from compileall import compile_dir
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("analysis", "collectors", "styles", "tui", "tuning")


def compile_all() -> None:
    """Compile what is not, so that no benchmark measures the compiler."""
    for package in PACKAGES:
        compile_dir(ROOT / package, quiet=1)
