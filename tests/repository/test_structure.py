"""The size of files."""

from pathlib import Path
from statistics import median

SOURCE = Path(__file__).parents[2] / "custom_components" / "ip_intercom"
# A file above this is split.
LONGEST = 450
# A class of a few lines lives with its neighbors: more modules than this means that small ones were not merged.
MOST_MODULES = 237


def test_files_have_a_size() -> None:
    sizes = {str(path.relative_to(SOURCE)): len(path.read_text("utf-8").splitlines()) for path in SOURCE.rglob("*.py")}
    largest = max(sizes, key=lambda path: sizes[path])
    print(  # noqa: T201  # pytest -s shows it
        f"modules: {len(sizes)}, lines: {sum(sizes.values())}, median: {median(sizes.values()):g}, "
        f"largest: {largest} ({sizes[largest]})"
    )
    assert sizes, "no file was found"
    assert {path: size for path, size in sizes.items() if size > LONGEST} == {}
    assert len(sizes) <= MOST_MODULES
