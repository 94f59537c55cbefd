"""Run a simulator of its own: `python -m tests.simulators.akuvox --dialect e18`."""

import argparse
import asyncio
from pathlib import Path

from tests.simulators.common.faults import read_fault
from tests.simulators.common.process import pair, serve
from tests.simulators.common.state_file import StateFile

from .control import Control
from .dialects import DIALECTS, Auth, RelayNames, RelayReading
from .simulator import Simulator


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="akuvox", description="An Akuvox device on 127.0.0.1.")
    parser.add_argument("--dialect", choices=sorted(DIALECTS), default="a_series")
    parser.add_argument("--http-port", type=int, default=0)
    parser.add_argument("--https-port", type=int, default=0)
    parser.add_argument("--camera-port", type=int, default=0, help="like the device's 8080")
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--auth", choices=[auth.name.lower() for auth in Auth])
    parser.add_argument("--username", default="admin")
    parser.add_argument("--password", default="httpapi")
    parser.add_argument("--whitelist", action="append", default=[], metavar="ADDRESS")
    parser.add_argument("--config", type=pair, action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--relay-reading", choices=list(RelayReading), default=RelayReading.A)
    parser.add_argument(
        "--status-lag", type=float, default=0.0, metavar="SECONDS", help="by which relay/status lags behind the relays"
    )
    parser.add_argument("--relay-names", choices=list(RelayNames), default=RelayNames.RELAY_LETTER)
    parser.add_argument("--mac", help="another MAC address than the dialect's; empty for none")
    parser.add_argument("--no-clock", action="store_true", help="its time counts from 1970 after each start")
    parser.add_argument("--speed", type=float, default=1.0, help="device seconds per real second")
    parser.add_argument(
        "--fault",
        type=read_fault,
        action="append",
        default=[],
        metavar="PATH=FAULT[:STATUS]",
        help="a function that fails",
    )
    parser.add_argument("--state", type=Path, metavar="FILE", help="keeps the log, also when the process is killed")
    return parser.parse_args(argv)


async def run(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    simulator = Simulator(
        options.dialect,
        auth=None if options.auth is None else Auth[options.auth.upper()],
        username=options.username,
        password=options.password,
        whitelist=options.whitelist,
        config=dict(options.config),
        relay_reading=options.relay_reading,
        status_lag=options.status_lag,
        relay_names=options.relay_names,
        http_port=options.http_port,
        https_port=options.https_port,
        camera_port=options.camera_port,
        speed=options.speed,
        has_clock=not options.no_clock,
        mac=options.mac,
    )
    for path, fault in options.fault:
        simulator.fault(path, **fault)
    simulator.keep_log(StateFile(options.state))
    await serve(
        simulator,
        Control(simulator),
        options.control_port,
        lambda: {
            "dialect": options.dialect,
            "http": simulator.http_address,
            "https": simulator.https_address,
            "camera": simulator.camera_address,
        },
    )


if __name__ == "__main__":
    asyncio.run(run(_arguments(None)))
