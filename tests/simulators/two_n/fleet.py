"""Many 2N in one process: `python -m tests.simulators.two_n.fleet --devices 50 --first 0`."""

import argparse
import asyncio
from collections import Counter
from contextlib import AsyncExitStack
import json
import signal
import sys
import time
from typing import Any

from aiohttp import web

from tests.simulators.common.network import HOST

from .config import Account
from .simulator import Simulator


class Fleet:
    """Devices that differ in their identity, and a side channel that drives all of them."""

    def __init__(self, first: int, devices: int, account: Account) -> None:
        """`first` is the number of the first device in a larger fleet."""
        self.devices = [
            Simulator(
                "verso",
                accounts=[account],
                identity={
                    "macAddr": f"7C-1E-B3-{number >> 16 & 255:02X}-{number >> 8 & 255:02X}-{number & 255:02X}",
                    "serialNumber": f"50-{number // 10000:04d}-{number % 10000:04d}",
                    "deviceName": f"Entrance {number}",
                },
            )
            for number in range(first, first + devices)
        ]

    async def handle(self, request: web.Request) -> web.Response:
        """Do what the path says, and answer with JSON."""
        verb = request.match_info["verb"]
        return web.json_response(await getattr(self, f"do_{verb}")(**await request.json()))

    async def do_clear(self) -> None:
        """Forget the requests so far."""
        for device in self.devices:
            device.clear_requests()

    async def do_requests(self) -> dict[str, Any]:
        """Tell how many requests there were, in which second of the monotonic clock, and how many were refused."""
        requests = [request for device in self.devices for request in device.requests]
        seconds = Counter(int(request.at) for request in requests)
        return {
            "total": len(requests),
            "seconds": dict(seconds),
            "paths": Counter(request.path for request in requests),
            "refused": sum(request.status in {401, 403} for request in requests),
        }

    async def do_pulling(self) -> int:
        """Return how many devices have a pull in progress."""
        return sum(any(channel.pull is not None for channel in device.channels) for device in self.devices)

    async def do_press(self) -> float:
        """Press the first button of each device at once, and tell when that was on the monotonic clock."""
        began = time.monotonic()
        for device in self.devices:
            device.press("%1", call=False)
        return began

    async def do_cut_power(self) -> None:
        """Take the power from all devices."""
        for device in self.devices:
            device.cut_power()

    async def do_restore(self) -> float:
        """Restore the power so that the devices start, and return the monotonic time of that."""
        await asyncio.gather(*(device.reboot(0.0) for device in self.devices))
        return time.monotonic()


async def run(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    name, _, password = options.account.partition(":")
    fleet = Fleet(options.first, options.devices, Account(name, password))
    app = web.Application()
    app.router.add_post("/{verb}", fleet.handle)
    async with AsyncExitStack() as stack:
        for device in fleet.devices:
            await stack.enter_async_context(device)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        addresses = [[device.http_address, str(device.model.info["macAddr"])] for device in fleet.devices]
        sys.stdout.write(
            json.dumps({"control": f"http://{HOST}:{runner.addresses[0][1]}", "devices": addresses}) + "\n"
        )
        sys.stdout.flush()
        await stopped.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fleet", description="Many 2N intercoms on 127.0.0.1.")
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--account", default="ha:ha-pass", metavar="NAME:PASSWORD")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(run(_arguments()))
