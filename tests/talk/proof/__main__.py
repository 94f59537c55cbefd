"""Run the proofs: ``python -m tests.talk.proof sipp`` or ``baresip``."""

import argparse
import asyncio
import logging
import sys

from . import baresip, sipp


def main() -> int:
    """Run what the command line names; 0 if all succeeded."""
    parser = argparse.ArgumentParser(prog="tests.talk.proof", description=__doc__)
    parser.add_argument("program", choices=("sipp", "baresip"))
    parser.add_argument("--seconds", type=float, default=60, help="length of the call with baresip")
    parser.add_argument("--verbose", action="store_true", help="show the decisions of the agent")
    arguments = parser.parse_args()
    if arguments.verbose:
        logging.basicConfig(level=logging.DEBUG)
    proof = sipp.prove() if arguments.program == "sipp" else baresip.prove(arguments.seconds)
    return 0 if asyncio.run(proof) else 1


if __name__ == "__main__":
    sys.exit(main())
