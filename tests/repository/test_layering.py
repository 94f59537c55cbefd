"""Which module may import which: the layers, proven by reading the imports, those for type checking included.

An arrow points only downwards. Adding a module to a layer is a line in the table; a module that is in no row of it is a
platform and may know the least.
"""

import ast
from dataclasses import dataclass
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
import subprocess
import sys

import pytest

PACKAGE = "custom_components.ip_intercom"
SOURCE = Path(__file__).parents[2] / "custom_components" / "ip_intercom"


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
    layer("errors", "systems.common.errors"),
    # One login for HTTP, RTSP, and SIP.
    layer("digest", "talk.digest"),
    # Its library is installed only on request; tests/test_google_push.py proves that no other module loads it.
    layer("google", "systems.common.fcm", "errors", "aiohttp firebase_messaging"),
    layer(
        "protocol",
        "systems.common systems.common.decode systems.common.discovery systems.common.http systems.common.login "
        "systems.common.messages systems.common.parse systems.common.tls",
        "errors digest",
        "aiohttp multidict yarl",
    ),
    layer("clients", "systems.*.client systems.*.client.*", "errors protocol", "aiohttp multidict yarl"),
    layer("model", "model model.*", "names"),
    # PyAV turns sound and stills into what is sent; the protocols need only the standard library.
    layer("codecs", "talk.sound talk.stills", "talk", "av"),
    layer("talk", "talk talk.*", "digest"),
    # The actions that one system has lie in its folder, above everything that they use.
    layer(
        "actions",
        "systems.*.services systems.*.*_services",
        "names errors protocol clients model common adapters helpers coordinator runtime entities pictures media services",
        "homeassistant probatio",
    ),
    layer("common", "systems.common.*", "names errors protocol model talk codecs", "aiohttp yarl"),
    layer("adapters", "systems.*", "names errors protocol clients model codecs common talk", "aiohttp yarl"),
    layer("systems", "systems", "names errors protocol model common adapters", "aiohttp"),
    layer("helpers", "helpers helpers.*", "names errors protocol model common", "aiohttp homeassistant"),
    layer("coordinator", "coordinator", "names errors model helpers", "homeassistant"),
    layer(
        "runtime",
        "runtime runtime.*",
        "names errors google model systems helpers coordinator codecs talk",
        "aiohttp homeassistant",
    ),
    layer("entities", "entity setting_entity", "names model helpers coordinator runtime", "homeassistant"),
    layer("pictures", "media media.render", "", "PIL"),
    layer("media", "media.*", "names model helpers coordinator runtime entities pictures", "aiohttp av homeassistant"),
    layer(
        "services",
        "services services.*",
        "names model systems helpers coordinator runtime entities pictures media",
        "homeassistant probatio",
    ),
    # A login that asks for a code is a conversation with one system.
    layer(
        "flows",
        "config_flow flows flows.*",
        "names errors model common adapters systems helpers runtime",
        "aiohttp homeassistant probatio yarl",
    ),
    layer(
        "entry",
        "__init__",
        "names model systems helpers coordinator runtime entities media services",
        "homeassistant",
    ),
    layer(
        "platforms",
        "*",
        "names model helpers coordinator runtime entities pictures media services",
        "aiohttp homeassistant probatio yarl",
    ),
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


def cross_imports(source: Source) -> list[str]:
    """One sentence for each system that imports another one."""
    found = []
    for module, text in sorted(source.items()):
        parts = module.split(".")
        if parts[0] != "systems" or len(parts) < 2 or parts[1] == "common":
            continue
        for name in sorted(imports(module, text, set(source))):
            other = name.removeprefix(f"{PACKAGE}.").split(".")
            if other[0] == "systems" and len(other) > 1 and other[1] not in {"common", parts[1]}:
                found.append(f"{module} imports {name}")
    return found


def circle(source: Source) -> list[str]:
    """The modules of a circle of imports, those for type checking included; empty where there is none."""
    known = set(source)
    graph = {
        module: {
            other
            for name in imports(module, text, known)
            if (other := name.removeprefix(f"{PACKAGE}.")) in known and other != module
        }
        for module, text in source.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as err:
        return list(err.args[1])
    return []


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
    assert {"systems.common.errors", "model", "coordinator"} <= set(source)
    assert violations(source) == []
    assert cross_imports(source) == []


def test_no_imports_go_in_a_circle() -> None:
    assert circle(integration()) == []


def test_a_circle_is_found() -> None:
    assert circle({"a": "from .b import x", "b": "if TYPE_CHECKING:\n    from .a import y"})
    assert not circle({"a": "from .b import x", "b": "import json"})


def test_a_system_that_imports_another_is_found() -> None:
    source = {"systems": "", "systems.two_n.client": "", "systems.akuvox": "from .two_n.client import x"}
    assert cross_imports(source | {"systems.akuvox.doors": "from ..two_n import client"}) == [
        f"systems.akuvox.doors imports {PACKAGE}.systems.two_n.client"
    ]


def test_every_row_of_the_table_is_in_use() -> None:
    used = {layer_of(module).name for module in integration()}
    assert used == {row.name for row in LAYERS}


CASES = [
    ("systems.two_n.client", "from homeassistant.core import callback", "clients", "homeassistant.core"),
    ("systems.two_n.client", "from ...model import State", "clients", f"{PACKAGE}.model (model)"),
    ("systems.common.http", "def f():\n    from ... import const", "protocol", f"{PACKAGE}.const (names)"),
    ("systems.common.http", "import requests", "protocol", "requests"),
    ("model", "import aiohttp", "model", "aiohttp"),
    ("model", "from .coordinator import x", "model", f"{PACKAGE}.coordinator (coordinator)"),
    ("systems.two_n", "import homeassistant", "adapters", "homeassistant"),
    ("coordinator", "from .runtime import x", "coordinator", f"{PACKAGE}.runtime (runtime)"),
    (
        "coordinator",
        "if TYPE_CHECKING:\n    from .runtime import x",
        "coordinator",
        f"{PACKAGE}.runtime (runtime)",
    ),
    ("helpers.scheduling", "from ..coordinator import x", "helpers", f"{PACKAGE}.coordinator (coordinator)"),
    ("lock", "from .systems.common.errors import E", "platforms", f"{PACKAGE}.systems.common.errors (errors)"),
    ("lock", "from .systems import two_n", "platforms", f"{PACKAGE}.systems.two_n (adapters)"),
    ("lock", f"import {PACKAGE}.systems.common.http", "platforms", f"{PACKAGE}.systems.common.http (protocol)"),
    ("config_flow", "from .systems.common.http import H", "flows", f"{PACKAGE}.systems.common.http (protocol)"),
    ("lock", "import httpx", "platforms", "httpx"),
]


@pytest.mark.parametrize(("module", "text", "layer_name", "what"), CASES)
def test_each_broken_rule_is_reported(module: str, text: str, layer_name: str, what: str) -> None:
    """A module that breaks each rule is reported."""
    empty: Source = dict.fromkeys(
        [
            "const",
            "config_flow",
            "coordinator",
            "helpers",
            "helpers.scheduling",
            "lock",
            "model",
            "runtime",
            "systems",
            "systems.common",
            "systems.common.errors",
            "systems.common.http",
            "systems.two_n",
            "systems.two_n.client",
        ],
        "",
    )
    assert violations(empty) == []
    assert violations({**empty, module: text}) == [f"{module} ({layer_name}) imports {what}"]


def test_the_checker_allows_what_points_downwards() -> None:
    source = {
        "__init__": "from .systems import connect\nfrom .services import register",
        "const": "",
        "coordinator": "from homeassistant.core import callback\nfrom .systems.common.errors import E\nfrom .model import State",
        "entity": "from .coordinator import Coordinator\nfrom .runtime import Runtime",
        "lock": "from .entity import Entity\nfrom .model import State",
        "model": "from dataclasses import dataclass",
        "runtime": "from .coordinator import Coordinator\nfrom .systems import create",
        "services": "import probatio\nfrom .const import DOMAIN",
        "systems": "from . import two_n",
        "systems.common": "",
        "systems.common.errors": "import asyncio",
        "systems.two_n": "from .client import Client\nfrom ...model import State",
        "systems.two_n.client": "import aiohttp\nfrom ..common.errors import E\nfrom ..common import errors",
    }
    assert violations(source) == []


def untyped_entries(source: Source) -> list[str]:
    """One sentence for each annotation with an entry whose runtime data are untyped though its layer knows the type."""
    found = []
    for module, text in sorted(source.items()):
        typed = "runtime" in layer_of(module).below
        tree = ast.parse(text)
        subscripted = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Subscript)}
        imported = ("homeassistant.config_entries", "ConfigEntry")
        if typed and imported in {
            (node.module, alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }:
            found.append(f"{module} imports ConfigEntry")
        found += [
            f"{module}:{node.lineno} has a bare ConfigEntry"
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and node.id == "ConfigEntry" and id(node) not in subscripted
        ]
    return found


def test_entries_are_typed() -> None:
    assert untyped_entries(integration()) == []
    imported = "from homeassistant.config_entries import ConfigEntry"
    assert untyped_entries({"lock": imported, "helpers.x": f"{imported}\ndef f(entry: ConfigEntry) -> None: ..."}) == [
        "helpers.x:2 has a bare ConfigEntry",
        "lock imports ConfigEntry",
    ]


def test_actions_and_config_flows_load_only_needed_clients() -> None:
    source = f"""
import sys
from {PACKAGE}.systems import candidates_of, load_actions, load_systems
def clients():
    return sorted({{name.split(".")[3] for name in sys.modules if ".client" in name and name.startswith("{PACKAGE}.systems")}})
print(sorted(load_actions()))
print(clients())
load_systems(candidates_of())
print(clients())
"""
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=SOURCE.parents[1], capture_output=True, text=True, check=True
    )
    actions, without, after = done.stdout.splitlines()
    assert "two_n" in actions
    assert without == "[]"
    assert after == "['akuvox', 'two_n']"


def test_a_system_loads_talk_only_for_entries_with_that_option() -> None:
    source = f"""
import sys
from {PACKAGE}.systems import SYSTEMS, load_systems
def modules(prefix):
    return sorted(name.removeprefix("{PACKAGE}.") for name in sys.modules if name.startswith("{PACKAGE}." + prefix))
load_systems(SYSTEMS)
print(modules("talk."))
load_systems(SYSTEMS, talk=True)
print([name for name in modules("systems.") if name.endswith(".talk")])
print("talk.line" in modules("talk."))
"""
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=SOURCE.parents[1], capture_output=True, text=True, check=True
    )
    without, systems, with_talk = done.stdout.splitlines()
    assert without == "['talk.digest', 'talk.errors']"
    assert systems == "['systems.akuvox.talk', 'systems.common.talk', 'systems.smartyard.talk', 'systems.two_n.talk']"
    assert with_talk == "True"
