"""Run a simulator of its own: `python -m tests.simulators.two_n --model verso`."""

import argparse
import asyncio
from pathlib import Path

from tests.simulators.common.faults import read_fault
from tests.simulators.common.process import serve
from tests.simulators.common.state_file import StateFile

from .auth import ALGORITHMS
from .config import Account, Auth, Connection, Privilege, Service, ServiceConfig, Timing
from .control import Control
from .models import MODELS
from .simulator import Simulator


def _account(text: str) -> Account:
    """Read NAME:PASSWORD[:PRIVILEGE,…]."""
    name, password, *privileges = text.split(":", 2)
    return Account(name, password, Privilege.parse(privileges[0]) if privileges else Privilege.ALL)


def _service(text: str) -> tuple[Service, ServiceConfig]:
    """Read SERVICE=WORD[,WORD…] with none, basic, digest, tcp, tls, off."""
    name, _, words = text.partition("=")
    config: dict[str, object] = {}
    for word in words.split(","):
        if word == "off":
            config["enabled"] = False
        elif word in Connection:
            config["connection"] = Connection(word)
        else:
            config["auth"] = Auth(word)
    return Service(name), ServiceConfig(**config)  # type: ignore[arg-type]  # values are made to fit above


def _value(text: str) -> tuple[str, str | None]:
    """Read NAME=VALUE; an empty value is none."""
    name, _, value = text.partition("=")
    return name, value or None


def _duration(text: str) -> tuple[str, float]:
    """Read NAME=SECONDS of one of the durations in Timing."""
    name, _, seconds = text.partition("=")
    if name not in Timing.__dataclass_fields__:
        raise ValueError(name)
    return name, float(seconds)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="two_n", description="A 2N intercom on 127.0.0.1.")
    parser.add_argument("--model", choices=sorted(MODELS), default="verso")
    parser.add_argument("--http-port", type=int, default=0)
    parser.add_argument("--https-port", type=int, default=0)
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--account", type=_account, action="append", metavar="NAME:PASSWORD[:PRIVILEGE,…]")
    parser.add_argument("--service", type=_service, action="append", default=[], metavar="SERVICE=WORD[,WORD…]")
    parser.add_argument("--timing", type=_duration, action="append", default=[], metavar="NAME=SECONDS")
    parser.add_argument("--no-clock", action="store_true", help="utcTime counts from 1970 after each start")
    parser.add_argument("--speed", type=float, default=1.0, help="device seconds per real second")
    parser.add_argument("--uptime", type=float, help="seconds the device has been running")
    parser.add_argument("--nonce-lifetime", type=float, default=300.0, help="seconds; 0 is for ever")
    parser.add_argument("--firmware", help="another version than the model's usual one")
    parser.add_argument(
        "--identity",
        type=_value,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of system/info; empty for none",
    )
    parser.add_argument("--old-tls", action="store_true", help="TLS 1.1 at the most")
    parser.add_argument("--location", help="where port 80 sends requests on to; {https} and {path} are filled in")
    parser.add_argument("--prefix", default="", help="a path below which everything is")
    parser.add_argument("--algorithm", choices=sorted(ALGORITHMS), default="MD5")
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
        options.model,
        accounts=options.account,
        services=dict(options.service),
        http_port=options.http_port,
        https_port=options.https_port,
        speed=options.speed,
        has_clock=not options.no_clock,
        timing=Timing(**dict(options.timing)),
        nonce_lifetime=options.nonce_lifetime or None,
        algorithm=options.algorithm,
        firmware=options.firmware,
        identity=dict(options.identity),
        old_tls=options.old_tls,
        location=options.location,
        prefix=options.prefix,
        **({} if options.uptime is None else {"uptime": options.uptime}),
    )
    for path, fault in options.fault:
        simulator.fault(path, **fault)
    simulator.keep_log(StateFile(options.state))
    await serve(
        simulator,
        Control(simulator),
        options.control_port,
        lambda: {
            "model": options.model,
            "http": simulator.http_address,
            "https": simulator.https_address,
        },
    )


if __name__ == "__main__":
    asyncio.run(run(_arguments(None)))
