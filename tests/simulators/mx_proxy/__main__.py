"""Run a simulator of its own: `python -m tests.simulators.mx_proxy --http-port 8080`."""

import argparse
import asyncio

from tests.simulators.common.faults import read_fault
from tests.simulators.common.process import pair, serve

from .control import Control
from .push import Form
from .simulator import Simulator


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mx_proxy", description="An MX Proxy with an MX behind it on 127.0.0.1.")
    parser.add_argument("--http-port", type=int, default=0)
    parser.add_argument("--https", action="store_true", help="speak TLS on that port")
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--app", type=pair, action="append", default=[], metavar="CLIENT=SECRET")
    parser.add_argument("--token-ttl", type=int, help="seconds that a token lives")
    parser.add_argument("--empty", action="store_true", help="without contacts, calls and voicemails of the past")
    parser.add_argument("--push-url", help="where a forwarder sends the pushes")
    parser.add_argument("--push-form", choices=[form.value for form in Form], default=Form.BARE.value)
    parser.add_argument("--speed", type=float, default=1.0, help="seconds of the MX per real second")
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
        apps=dict(options.app),
        empty=options.empty,
        http_port=options.http_port,
        https=options.https,
        speed=options.speed,
    )
    if options.token_ttl is not None:
        simulator.set_token_ttl(options.token_ttl)
    if options.push_url:
        simulator.push_to(options.push_url, options.push_form)
    for path, fault in options.fault:
        simulator.fault(path, **fault)
    await serve(
        simulator,
        Control(simulator),
        options.control_port,
        lambda: {"http": simulator.address},
    )


if __name__ == "__main__":
    asyncio.run(run(_arguments(None)))
