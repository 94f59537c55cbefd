"""The soak: `python -m tests.demo.soak`; see `scripts/soak`."""

import argparse
import random
import sys

from tests.demo.__main__ import run
from tests.demo.checks import say

from .house import soak
from .run import Plan


async def main(plan: Plan) -> None:
    """Run it for people."""
    say(f"  seed {plan.seed}")
    result, *details = await soak(plan)
    for line in details:
        say(f"  {line}")
    say(result)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="scripts/soak", description="Hours of life of Home Assistant, compressed.")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="decides all that is left to chance")
    parser.add_argument("--minutes", type=float, help="how long; the last life and the comparison come after that")
    parser.add_argument("--events", type=int, default=100_000, help="at least so many events, without --minutes")
    parser.add_argument("--restarts", type=int, default=200, help="at least so many restarts, without --minutes")
    options = parser.parse_args()
    sys.exit(run(main(Plan(options.seed, options.minutes, options.events, options.restarts))))
