"""Run a simulator of its own: `python -m tests.simulators.smartyard --http-port 8080`."""

import argparse
import asyncio

from tests.simulators.common.faults import read_fault
from tests.simulators.common.process import serve

from .control import Control
from .dialects import Dialect
from .payloads import Form
from .simulator import Simulator


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="smartyard", description="A SmartYard server with its cameras on 127.0.0.1.")
    parser.add_argument("--dialect", choices=[dialect.value for dialect in Dialect], default=Dialect.RBT.value)
    parser.add_argument("--http-port", type=int, default=0)
    parser.add_argument("--https", action="store_true", help="speak TLS on that port")
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--push-url", help="where pushes are brought")
    parser.add_argument("--push-form", choices=[form.value for form in Form], default=Form.FCM.value)
    parser.add_argument("--push-bundle", default="", help="only those of devices that registered with it")
    parser.add_argument("--seed", type=int, default=1, help="decides which numbers are text")
    parser.add_argument("--speed", type=float, default=1.0, help="seconds of the server per real second")
    parser.add_argument(
        "--fault",
        type=read_fault,
        action="append",
        default=[],
        metavar="PATH=FAULT[:STATUS]",
        help="a function that fails",
    )
    return parser.parse_args(argv)


async def run(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    simulator = Simulator(
        options.dialect, http_port=options.http_port, https=options.https, speed=options.speed, seed=options.seed
    )
    if options.push_url:
        simulator.push_to(options.push_url, options.push_form, bundle=options.push_bundle)
    for path, fault in options.fault:
        simulator.fault(path, **fault)
    await serve(
        simulator,
        Control(simulator),
        options.control_port,
        lambda: {"http": simulator.address, "base": simulator.url, "phone": simulator.phone},
    )


if __name__ == "__main__":
    asyncio.run(run(_arguments(None)))
