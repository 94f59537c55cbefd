"""Who may import whom: design.md's layers, proven by reading the imports.

An arrow points only downwards. Adding a module to a layer is a line in the table; a module that is in no row of it is a
platform and may know the least.
"""

import ast
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
import sys

import pytest

PACKAGE = "custom_components.ip_intercom"
SOURCE = Path(__file__).parents[1] / "custom_components" / "ip_intercom"


@dataclass(frozen=True, slots=True)
class Layer:
    """A row of the table: its modules, and what they may import beside the standard library and their own layer."""

    name: str
    modules: tuple[str, ...]
    below: frozenset[str] = frozenset()
    libraries: frozenset[str] = frozenset()


def layer(name: str, modules: str, below: str = "", libraries: str = "") -> Layer:
    """A row, written with spaces between names; modules are patterns relative to the integration."""
    return Layer(name, tuple(modules.split()), frozenset(below.split()), frozenset(libraries.split()))


# The first row that matches a module is its layer.
LAYERS = (
    layer("names", "const"),
    # The hierarchy of errors is the one part of api that the translation point above must know.
    layer("errors", "api.errors"),
    # Its library is installed only on request; tests/test_google_push.py proves that no other module loads it.
    layer("google", "api.fcm", "errors", "aiohttp firebase_messaging"),
    layer("api", "api api.*", "errors", "aiohttp multidict yarl"),
    layer("model", "model doors events rings facets functions names telephony residence", "names"),
    layer("pictures", "films render", "", "PIL av"),
    layer("systems", "systems systems.*", "names errors api model", "aiohttp yarl"),
    layer("session", "client_session", "names api", "aiohttp homeassistant"),
    layer(
        "coordinator",
        "certificates clock_watch commanding coordinator cursor_store door_commands door_watch entity exceptions found google_push later log_health parting places push push_limiter refusals replacement ring_dispatcher shortcomings silence temporary_codes visitor_pictures webhook",
        "names errors google model session systems",
        "aiohttp homeassistant",
    ),
    # These put the parts together: a form for each system, an adapter for each entry.
    layer(
        "entry",
        "__init__ config_flow flow options_flow phone_flow",
        "names errors model session systems coordinator platforms",
        "aiohttp homeassistant probatio yarl",
    ),
    layer("platforms", "*", "names model pictures coordinator", "aiohttp homeassistant probatio yarl"),
)

Source = dict[str, str]  # a module's name, relative to the integration ("systems.two_n"), and its text


def layer_of(module: str) -> Layer:
    return next(row for row in LAYERS if any(fnmatchcase(module, pattern) for pattern in row.modules))


def imports(module: str, text: str, known: set[str]) -> set[str]:
    """Absolute names of what a module imports; a name taken from a package is the module it is, if it is one."""
    full = PACKAGE if module == "__init__" else f"{PACKAGE}.{module}"
    is_package = module == "__init__" or any(other.startswith(f"{module}.") for other in known)
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = full.split(".")
                parts = parts[: len(parts) - node.level + is_package]
                base = ".".join([*parts, base] if base else parts)
            names = {f"{base}.{alias.name}" for alias in node.names}
            submodules = {name for name in names if name.removeprefix(f"{PACKAGE}.") in known}
            found |= submodules
            if names - submodules:
                found.add(base)
    return found


def violations(source: Source) -> list[str]:
    """One sentence for each import that the table does not allow."""
    known = set(source)
    found = []
    for module, text in sorted(source.items()):
        own = layer_of(module)
        for name in sorted(imports(module, text, known)):
            if name == PACKAGE or name.startswith(f"{PACKAGE}."):
                other = layer_of(name.removeprefix(PACKAGE).removeprefix(".") or "__init__")
                if other != own and other.name not in own.below:
                    found.append(f"{module} ({own.name}) imports {name} ({other.name})")
            elif (top := name.split(".")[0]) not in sys.stdlib_module_names and top not in own.libraries:
                found.append(f"{module} ({own.name}) imports {name}")
    return found


def integration() -> Source:
    modules = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        if len(parts) > 1 and parts[-1] == "__init__":
            parts = parts[:-1]
        modules[".".join(parts)] = path.read_text(encoding="utf-8")
    return modules


def test_imports_point_downwards() -> None:
    source = integration()
    # Were the files not found, nothing would be proven.
    assert {"api.errors", "model", "coordinator"} <= set(source)
    assert violations(source) == []


def test_every_row_of_the_table_is_in_use() -> None:
    used = {layer_of(module).name for module in integration()}
    assert used == {row.name for row in LAYERS}


@pytest.mark.parametrize(
    ("module", "text", "expected"),
    [
        (
            "api.two_n.client",
            "from homeassistant.core import callback",
            "api.two_n.client (api) imports homeassistant.core",
        ),
        ("api.two_n.client", "from ...model import State", f"api.two_n.client (api) imports {PACKAGE}.model (model)"),
        ("api.http", "def f():\n    from .. import const", f"api.http (api) imports {PACKAGE}.const (names)"),
        ("api.http", "import requests", "api.http (api) imports requests"),
        ("model", "import aiohttp", "model (model) imports aiohttp"),
        ("model", "from .coordinator import x", f"model (model) imports {PACKAGE}.coordinator (coordinator)"),
        ("systems.two_n", "import homeassistant", "systems.two_n (systems) imports homeassistant"),
        ("coordinator", "from .api.http import Http", f"coordinator (coordinator) imports {PACKAGE}.api.http (api)"),
        ("coordinator", "from . import lock", f"coordinator (coordinator) imports {PACKAGE}.lock (platforms)"),
        ("lock", "from .api.errors import E", f"lock (platforms) imports {PACKAGE}.api.errors (errors)"),
        ("lock", "from .systems import two_n", f"lock (platforms) imports {PACKAGE}.systems.two_n (systems)"),
        ("lock", f"import {PACKAGE}.api.http", f"lock (platforms) imports {PACKAGE}.api.http (api)"),
        ("config_flow", "from .api.http import Http", f"config_flow (entry) imports {PACKAGE}.api.http (api)"),
        ("lock", "import httpx", "lock (platforms) imports httpx"),
    ],
)
def test_the_checker_sees(module: str, text: str, expected: str) -> None:
    """A module breaking each rule is found out."""
    empty: Source = dict.fromkeys(
        ("api", "api.errors", "api.http", "api.two_n", "api.two_n.client", "const", "coordinator", "lock", "model", "systems",
         "systems.two_n", "config_flow"),
        "",
    )  # fmt: skip
    assert violations(empty) == []
    assert violations({**empty, module: text}) == [expected]


def test_the_checker_allows_what_points_downwards() -> None:
    source = {
        "__init__": "from .systems import connect\nfrom .services import register",
        "api": "",
        "api.errors": "import asyncio",
        "api.two_n": "from .client import Client",
        "api.two_n.client": "import aiohttp\nfrom ..errors import E\nfrom .. import errors",
        "const": "",
        "coordinator": "from homeassistant.core import callback\nfrom .api.errors import E\nfrom .model import State",
        "entity": "from .coordinator import Coordinator",
        "lock": "from .entity import Entity\nfrom .model import State",
        "model": "from dataclasses import dataclass",
        "services": "import probatio\nfrom .const import DOMAIN",
        "systems": "from . import two_n",
        "systems.two_n": "from ..api.two_n import Client\nfrom ..model import State",
    }
    assert violations(source) == []
