"""The house of the soak: Home Assistant with the witness, and a device of each system."""

from pathlib import Path
import shutil
import tempfile

from tests.demo import witness
from tests.demo.akuvox import PLANS, Plan as Device
from tests.demo.checks import Checks, say
from tests.demo.stage import Stage, set_up

from .run import Plan, Soak

# The states of bells are enough beside the events.
CONFIGURATION = f"""\
{witness.NAME}:
recorder:
  commit_interval: 1
  include:
    domains:
      - event
"""
AKUVOX = Device(PLANS[0].dialect, "Side door", PLANS[0].config, has_options=False)
# The short form takes about two minutes; one of its lives has rounds of reloads and faults.
SHORT = Plan(seed=11, events=0, restarts=8, killed=0.6, long_life=5, rounds=4)
# Faults that are shown; all files are kept anyway.
SHOWN = 100


async def soak(plan: Plan, port: int = 0) -> list[str]:
    """Run it, and return the result and its details; raises `AssertionError` with what is wrong."""
    async with set_up(
        port, more=CONFIGURATION, log_level="warning", akuvox=(AKUVOX,), others=True, witnessed=True
    ) as stage:
        try:
            result = await Soak(stage, plan).run()
            assert not result.faults, "\n".join([*result.details, result.line, *result.faults[:SHOWN]])
        except BaseException:
            say(f"  everything is kept in {_keep(stage)}")
            raise
        return [result.line, *result.details]


def _keep(stage: Stage) -> Path:
    """Copy the written files."""
    kept = Path(tempfile.mkdtemp(prefix="ip-intercom-soak-"))
    shutil.copytree(stage.folder, kept, dirs_exist_ok=True)
    return kept


async def check_soak(checks: Checks) -> None:
    """Run the short form."""
    with checks(
        "devices of four systems and Home Assistant live through faults, reloads, restarts, and kills"
    ) as reported:
        result, *_ = await soak(SHORT)
        reported.append(result)
