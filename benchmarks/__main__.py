"""Run every benchmark, one after the other: `python -m benchmarks [NAME ...]`."""

import subprocess
import sys

from benchmarks.compiled import compile_all

NAMES = ("dashboard", "rtt_error", "terminal", "meaning", "sessions", "roce_read", "roce_live", "path", "bandwidth")


def main() -> int:
    compile_all()
    for name in sys.argv[1:] or NAMES:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            print(f"{name} did not finish", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
