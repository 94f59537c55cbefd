"""The soak: `python -m tests.demo.soak`; see `scripts/soak`."""

import argparse
from pathlib import Path
import random
import shutil
import sys
import tempfile

from tests.demo import witness
from tests.demo.__main__ import run
from tests.demo.akuvox import PLANS, Plan as Device
from tests.demo.checks import say
from tests.demo.stage import Stage, set_up

from .run import Plan, Soak

# A commit a second; the states of bells are enough beside the events.
CONFIGURATION = f"""\
{witness.NAME}:
recorder:
  commit_interval: 1
  include:
    domains:
      - event
"""
AKUVOX = Device(PLANS[0].dialect, "Side door", PLANS[0].config, has_options=False)
SHOWN = 100


async def soak(plan: Plan, port: int = 0) -> str:
    """Run it, and return the result in one line; raises `AssertionError` with what is wrong."""
    async with set_up(
        port, more=CONFIGURATION, log_level="warning", akuvox=(AKUVOX,), others=True, witnessed=True
    ) as stage:
        try:
            result = await Soak(stage, plan).run()
            for line in result.details:
                say(f"  {line}")
            assert not result.faults, "\n".join([result.line, *result.faults[:SHOWN]])
        except BaseException:
            say(f"  everything is kept in {_keep(stage)}")
            raise
        return result.line


def _keep(stage: Stage) -> Path:
    """Copy what was written."""
    kept = Path(tempfile.mkdtemp(prefix="ip-intercom-soak-"))
    shutil.copytree(stage.folder, kept, dirs_exist_ok=True)
    return kept


async def main(plan: Plan) -> None:
    """Run it for people."""
    say(f"  seed {plan.seed}")
    say(await soak(plan))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="scripts/soak", description="Hours of life of Home Assistant, compressed.")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="decides all that is left to chance")
    parser.add_argument("--minutes", type=float, help="how long; the last life and the comparison come after that")
    parser.add_argument("--events", type=int, default=100_000, help="at least so many events, without --minutes")
    parser.add_argument("--restarts", type=int, default=200, help="at least so many restarts, without --minutes")
    options = parser.parse_args()
    sys.exit(run(main(Plan(options.seed, options.minutes, options.events, options.restarts))))
