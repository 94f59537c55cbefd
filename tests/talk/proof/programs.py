"""Where the programs are: on PATH, or unpacked by ``scripts/talk``."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Sequence
import os
from pathlib import Path
import shutil
import socket


def cache() -> Path:
    """Return the directory of the repository's tools, as ``scripts/lib.sh`` finds it."""
    if place := os.environ.get("IP_INTERCOM_CACHE"):
        return Path(place)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ip-intercom"


def unpacked(name: str) -> Path | None:
    """Return the directory that a program was unpacked into."""
    return next((run.parent for run in sorted(cache().glob(f"debian-{name}-*/run"))), None)


def command(name: str) -> tuple[str, ...] | None:
    """Return how to start a program, None if it is not there."""
    if found := shutil.which(name):
        return (found,)
    return (str(folder / "run"), name) if (folder := unpacked(name)) else None


def free_port() -> int:
    """Return a UDP port that nothing uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def start(arguments: Sequence[str], folder: Path) -> Process:
    """Start a program in a folder of its own."""
    environment = {**os.environ, "TERM": "dumb", "HOME": str(folder)}
    return await asyncio.create_subprocess_exec(
        *arguments, cwd=folder, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env=environment
    )


async def stop(process: Process) -> None:
    """End a program."""
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(5):
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.communicate()
