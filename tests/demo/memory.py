"""The memory and the CPU time of a process, and how much more memory it takes at the height of some work (Linux)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import os
from pathlib import Path

# Written to clear_refs, it resets the peak (proc_pid_clear_refs(5)).
_RESET_PEAK = "5"


_TICKS = os.sysconf("SC_CLK_TCK")


def cpu(pid: int) -> float:
    """Return the seconds of CPU that a process has used."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / _TICKS


def memory(pid: int) -> float:
    """Return the resident memory of a process in MiB."""
    return _kibibytes(Path("/proc", str(pid), "status"), "VmRSS") / 1024


def free_memory() -> float:
    """Return the memory in MiB that processes can take without swapping."""
    return _kibibytes(Path("/proc/meminfo"), "MemAvailable") / 1024


@dataclass(slots=True)
class Growth:
    """The peak memory of some work in MiB; known after the work."""

    mebibytes: float = 0.0

    def __str__(self) -> str:
        """Return the text for the table."""
        return f"{self.mebibytes:.1f} MiB more memory at the peak"


@contextmanager
def peak_memory(pid: int) -> Iterator[Growth]:
    """Measure the peak of the resident memory of a process against what it had before."""
    process, growth = Path("/proc", str(pid)), Growth()
    (process / "clear_refs").write_text(_RESET_PEAK)
    before = _kibibytes(process / "status", "VmHWM")
    yield growth
    growth.mebibytes = (_kibibytes(process / "status", "VmHWM") - before) / 1024


def _kibibytes(file: Path, name: str) -> int:
    lines = file.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
