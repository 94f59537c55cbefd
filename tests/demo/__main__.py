"""The demo: `python -m tests.demo`, `python -m tests.demo --check`; see `scripts/demo`."""

import argparse
import asyncio
from collections.abc import Coroutine
from contextlib import suppress
import signal
import sys
import time
from typing import Any

from aiohttp import ClientError

from . import (
    account_check,
    akuvox_check,
    check,
    device_check,
    events_check,
    extension_check,
    far_servers,
    transfer_check,
)
from .akuvox import PLANS, PUSHING
from .checks import Checks, say
from .dashboard import URL_PATH, dashboard
from .events_check import compare, run_events
from .home_assistant import PASSWORD, USERNAME, CommandFailed
from .recorded import errors, problems, recorded_texts
from .soak.house import check_soak
from .stage import DOMAIN, Stage, set_up

LOG_LINES = 40
DISPLAY = "ext1"
# What is typed for the buttons of the 2N.
_BELLS = {"r": "%1", "n": "%2"}
# And for the extension.
_CALLS = {"c": "incoming_call", "v": "leave_voicemail"}
# How often the integration loses the device.
OUTAGES = events_check.OUTAGES + transfer_check.OUTAGES
INTERRUPTED = 130
# Their text says enough; anything else is shown with where it came from.
FAILURES = (AssertionError, CommandFailed, ClientError, TimeoutError)


async def show_dashboard(stage: Stage) -> None:
    """Make the demo's dashboard the first page of every user."""
    home = stage.home_assistant
    await home.command(
        "lovelace/dashboards/create", url_path=URL_PATH, title="Front door", icon="mdi:doorbell-video",
        show_in_sidebar=True, require_admin=False,
    )  # fmt: skip
    await fill_dashboard(stage)
    await home.command("frontend/set_system_data", key="core", value={"default_panel": URL_PATH})


async def fill_dashboard(stage: Stage) -> None:
    """Add the entities of all entries to the dashboard."""
    assert stage.extension is not None
    assert stage.account is not None
    others = (stage.akuvox[PUSHING], stage.extension, stage.account)
    config = dashboard(await stage.entities(), *(other.entities for other in others))
    await stage.home_assistant.command("lovelace/config/save", url_path=URL_PATH, config=config)


async def show(port: int) -> None:
    """Show the demo until it is interrupted."""
    say("Starting a 2N intercom, Akuvox devices, a telephone exchange, an operator and Home Assistant …")
    async with set_up(port, akuvox=PLANS, others=True) as stage:
        await stage.simulator.do("plug_module", name=DISPLAY, kind="display")
        await stage.add_intercom()
        await show_dashboard(stage)
        firmware = transfer_check.write_firmware(stage.files, transfer_check.VERSION)
        say(f"""
  Home Assistant   {stage.url}
  Login            {USERNAME} / {PASSWORD}

  Ring             {stage.simulator.ring_command(key="%1")}
                   or type r and Enter here; n for the other bell, a for that of an Akuvox, d for that of the flat, c
                   for a call of the extension, v for a voicemail, q or Ctrl-C to end
  Intercom         http://{stage.address}   (a simulated 2N IP Verso)
  Its display      {stage.simulator.display_url(DISPLAY)}   (once notify.send_message was used)
  A firmware       {firmware}   (for ip_intercom.upload_firmware)
""")
        await stage.add_akuvox()
        await stage.add_extension()
        await stage.add_account()
        await fill_dashboard(stage)
        for device in stage.akuvox.values():
            say(
                f"  {device.plan.name:16} http://{device.addresses['http']}   (a simulated Akuvox, {device.plan.dialect})"
            )
        say(f"  Ring             {stage.akuvox[PUSHING].control.ring_command()}")
        say(_others(stage))
        await _obey(stage)
        say("Stopping …")


def _others(stage: Stage) -> str:
    assert stage.extension is not None
    assert stage.account is not None
    return f"""  {stage.extension.name:16} http://{stage.extension.address}   (a simulated MX Proxy)
  {stage.account.name:16} {stage.account.base}   (a simulated SmartYard)
"""


async def _obey(stage: Stage) -> None:
    """Execute typed commands until the user ends the demo."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue()
    with suppress(OSError, ValueError):  # no terminal: only Ctrl-C ends it
        loop.add_reader(sys.stdin, lambda: lines.put_nowait(sys.stdin.readline()))
    try:
        while (line := await lines.get()).strip() != "q":
            if not line:
                loop.remove_reader(sys.stdin)
            elif (key := _BELLS.get(line.strip())) is not None:
                await stage.simulator.do("press", key=key)
                say("  ding dong")
            elif line.strip() == "a":
                called = await stage.akuvox[PUSHING].control.do("press")
                say("  ding dong" if called else "  it calls already")
            elif line.strip() == "d" and stage.account is not None:
                await stage.account.control.do("ring", domophone=account_check.INTERCOM)
                say("  ding dong")
            elif stage.extension is not None and (call := _CALLS.get(line.strip())) is not None:
                await stage.extension.control.do(call, caller=extension_check.DOOR)
                say("  ring ring")
    finally:
        with suppress(OSError, ValueError):
            loop.remove_reader(sys.stdin)


async def check_everything(port: int) -> None:
    """Drive the demo from outside and assert what it does."""
    checks, begin = Checks(), time.monotonic()
    async with set_up(port, akuvox=PLANS, others=True) as stage:
        say(f"  Home Assistant and the simulators are up ({time.monotonic() - begin:.1f} s)")
        try:
            await _check(checks, stage)
        except Exception:
            say(f"\nThe end of the log:\n{stage.log_tail(LOG_LINES)}\n")
            raise
    await check_soak(checks)
    with checks("no folder or process is left over"):
        assert not stage.folder.exists(), f"{stage.folder} is still there"
        assert stage.ended, "a process still runs"
    say(f"demo: {checks.passed} checks passed in {time.monotonic() - begin:.0f} s")


async def _check(checks: Checks, stage: Stage) -> None:
    scene = await check.check_set_up(checks, stage)
    await akuvox_check.check_set_up(checks, scene)
    await extension_check.check_set_up(checks, scene)
    await account_check.check_set_up(checks, scene)
    with checks("the dashboard with the four systems is saved"):
        await show_dashboard(stage)
    await extension_check.check_extension(checks, scene)
    await account_check.check_account(checks, scene)
    await asyncio.gather(far_servers.check_far_servers(checks, scene), _check_devices(checks, scene))
    run = await run_events(checks, scene)
    await stage.stop_home_assistant()
    compare(checks, run)
    _check_log(checks, stage)


async def _check_devices(checks: Checks, scene: check.Scene) -> None:
    """Check the devices in the house."""
    await akuvox_check.check_akuvox(checks, scene)
    for part in (
        check.check_rings, check.check_doors, check.check_directory, check.check_calls, check.check_access,
        device_check.check_access_points, device_check.check_snapshot, device_check.check_displays,
        device_check.check_clock, device_check.check_privilege, device_check.check_service,
        transfer_check.check_capture, transfer_check.check_firmware,
    ):  # fmt: skip
        await part(checks, scene)


def _check_log(checks: Checks, stage: Stage) -> None:
    """Check the log after the last check."""
    log = stage.log
    assert stage.extension is not None
    assert stage.account is not None
    far = {
        stage.extension.title: far_servers.EXCHANGE_LOSSES,
        stage.account.title: far_servers.ACCOUNT_LOSSES,
    }
    with checks("the log has one line for each lost connection, one for its return, and no other warning"):
        trouble = problems(log, DOMAIN)
        near = [line for line in trouble if not any(title in line for title in far)]
        assert [line for line in near if "Failed to connect" not in line] == [], "\n".join(near)
        returns = log.count(" data recovered")
        for title, least in far.items():
            lost, back = sum(title in line for line in trouble), log.count(f"{title} data recovered")
            assert lost == back >= least, f"{title}: {lost} losses, {back} returns"
            returns -= back
        assert (len(near), returns) == (OUTAGES, OUTAGES), f"{len(near)} losses, {returns} returns"
    with checks("the log of Home Assistant has no error except lost connections"):
        found = [line for line in errors(log) if line not in trouble]
        assert not found, "\n".join(found)
    with checks("log and database contain no password, code, card number, or tone"):
        kept = {"the log": log, "the database": recorded_texts(stage.database)}
        for place, text in kept.items():
            secrets = (*check.SECRETS, check.DIRECTORY_PIN, *akuvox_check.SECRETS, *extension_check.SECRETS)
            found = [secret for secret in secrets if secret in text]
            assert not found, f"{found} in {place}"


def run(work: Coroutine[Any, Any, None]) -> int:
    """Run until the end or a signal, and clean up in either case; gives the exit code."""

    async def main() -> int:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(work)

        def interrupt() -> None:
            if not task.cancelling():  # a second Ctrl-C does not hasten the cleaning up
                task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, interrupt)
        try:
            await task
        except asyncio.CancelledError:
            say("interrupted")
            return INTERRUPTED
        except FAILURES as error:
            say(f"failed: {str(error) or type(error).__name__}")
            return 1
        return 0

    return asyncio.run(main())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="scripts/demo", description="Simulated intercoms of four systems in a real Home Assistant."
    )
    parser.add_argument("--check", action="store_true", help="drive it from outside, assert, and end")
    parser.add_argument("--port", type=int, default=0, help="Home Assistant's port; any free one by default")
    options = parser.parse_args()
    if options.check:
        sys.exit(run(check_everything(options.port)))
    code = run(show(options.port))
    sys.exit(0 if code == INTERRUPTED else code)
