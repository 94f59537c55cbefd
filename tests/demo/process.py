"""A process of the demo."""

import asyncio
from contextlib import suppress
from pathlib import Path

STOP_TIMEOUT = 30.0


class Process:
    """A process that is ended for certain; what it says goes into a file."""

    def __init__(self, name: str, log: Path) -> None:
        """`name` is for people."""
        self.name = name
        self.log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *command: str, folder: Path, environment: dict[str, str], speaks: bool = False) -> str:
        """Start it; gives the first line it says on standard output if it `speaks`."""
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C is for us alone, and we end it in order.
            self._process = await asyncio.create_subprocess_exec(
                *command,
                cwd=folder,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if speaks else log,
                stderr=log,
                start_new_session=True,
            )
        output = self._process.stdout
        return "" if output is None else (await output.readline()).decode()

    @property
    def exit_code(self) -> int | None:
        """The exit code, None while it runs."""
        return None if self._process is None else self._process.returncode

    @property
    def pid(self) -> int:
        """Its id."""
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Return whether the process was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def kill(self) -> None:
        """Kill the process, as a power cut does."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> int | None:
        """Stop the process, gently first, and return the exit code."""
        if (process := self._process) is None:
            return None
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                return await process.wait()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    def tail(self, lines: int) -> str:
        """Return the end of its output."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""
