"""What every fuzzer shares: its options, and rounds until the time is over or one fails."""

import argparse
import sys
import time
from collections.abc import Callable


def run(about: str, what: str, round_of: Callable[[int], Callable[[int], None]]) -> int:
    """Run rounds for `--seconds` and return the exit code; `round_of` a seed is what runs the round of a number.

    A round that raises ends it all: it has told before how to repeat it.
    """
    options = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=int(time.time()))
    args = options.parse_args()
    one = round_of(args.seed)
    started, done = time.monotonic(), 0
    while time.monotonic() - started < args.seconds:
        try:
            one(done)
        except Exception:
            print(f"failed: number {done} of seed {args.seed}", file=sys.stderr)
            raise
        done += 1
    print(f"{done} {what} in {time.monotonic() - started:.0f} s, seed {args.seed}: nothing found")
    return 0
