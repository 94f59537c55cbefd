"""The rules of hassfest and the HACS action for custom integrations, as far as files alone can tell, and a few of our own.

Both validators need the network. Each rule is a function that returns one sentence for each violation, so that it can be
tried on bad input too (``test_repository_rules.py``).
"""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
import json
from pathlib import Path
import re
import shutil
import string
import struct
import subprocess
from typing import Any

from awesomeversion import AwesomeVersion, AwesomeVersionStrategy
from homeassistant.const import Platform
from homeassistant.helpers.selector import validate_selector
import homeassistant.loader
import voluptuous as vol
import yaml

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / "ip_intercom"
PLATFORMS = {platform.value for platform in Platform}

type Json = dict[str, Any]


def read_json(path: Path) -> Json:
    content: Json = json.loads(path.read_text(encoding="utf-8"))
    return content


def read_yaml(path: Path) -> Json:
    content: Json = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


@cache
def translations(language: str = "en") -> Json:
    """Return the texts of a language; a test that changes them takes a copy."""
    return read_json(INTEGRATION / "translations" / f"{language}.json")


def python_files() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(INTEGRATION.rglob("*.py"))}


def repository_files() -> list[Path]:
    """All files that are or would be committed; without git (a source archive) all files."""
    if (ROOT / ".git").exists() and (git := shutil.which("git")):
        listed = subprocess.run(
            # Root may look at a tree of another user.
            [git, "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        paths = list(ROOT.rglob("*"))
    return sorted(path for path in paths if path.is_file())


# ---- manifest.json ----

MANIFEST_REQUIRED = {
    "domain",
    "name",
    "codeowners",
    "config_flow",
    "documentation",
    "integration_type",
    "iot_class",
    "issue_tracker",
    "version",
}
DISCOVERY = {"bluetooth", "dhcp", "homekit", "mqtt", "ssdp", "usb", "zeroconf"}
MANIFEST_OPTIONAL = DISCOVERY | {
    "after_dependencies",
    "categories",
    "connectivity",
    "dependencies",
    "import_executor",
    "loggers",
    "preview_features",
    "quality_scale",
    "requirements",
    "single_config_entry",
}
IOT_CLASSES = {"assumed_state", "calculated", "cloud_polling", "cloud_push", "local_polling", "local_push"}
INTEGRATION_TYPES = {"device", "entity", "hardware", "helper", "hub", "service", "system", "virtual"}
VERSION_STRATEGIES = [
    AwesomeVersionStrategy.CALVER,
    AwesomeVersionStrategy.SEMVER,
    AwesomeVersionStrategy.SIMPLEVER,
    AwesomeVersionStrategy.BUILDVER,
    AwesomeVersionStrategy.PEP440,
]


def check_manifest(manifest: Json) -> Iterator[str]:
    keys = list(manifest)
    if keys != (ordered := ["domain", "name", *sorted(set(keys) - {"domain", "name"})]):
        yield f"keys are not sorted: {keys} instead of {ordered}"
    yield from (f"{key} is missing" for key in sorted(MANIFEST_REQUIRED - set(keys)))
    yield from (f"{key} is unknown" for key in sorted(set(keys) - MANIFEST_REQUIRED - MANIFEST_OPTIONAL))
    for key in ("documentation", "issue_tracker"):
        if not str(manifest.get(key)).startswith("https://"):
            yield f"{key} is not https"
    if "www.home-assistant.io/integrations" in str(manifest.get("documentation")):
        yield "documentation points to Home Assistant's own"
    if manifest.get("iot_class") not in IOT_CLASSES:
        yield "iot_class is unknown"
    if manifest.get("integration_type") not in INTEGRATION_TYPES:
        yield "integration_type is unknown"
    if not (owners := manifest.get("codeowners")) or not all(owner.startswith("@") for owner in owners):
        yield "codeowners are missing or without @"
    if AwesomeVersion(str(manifest.get("version"))).strategy not in VERSION_STRATEGIES:
        yield "version is of no known kind"
    for requirement in manifest.get("requirements", []):
        if not re.fullmatch(r"[A-Za-z0-9._\[\]-]+==[A-Za-z0-9.+!]+", requirement):
            yield f"requirement {requirement} is not pinned"
    for key in ("dependencies", "after_dependencies", "loggers", "categories", "connectivity"):
        if (value := manifest.get(key)) is not None and value != sorted(set(value)):
            yield f"{key} are not sorted or not unique"


# ---- Translations ----

TRANSLATION_SECTIONS = {
    "common",
    "conditions",
    "config",
    "config_subentries",
    "device",
    "entity",
    "exceptions",
    "issues",
    "options",
    "selector",
    "services",
    "system_health",
    "title",
    "triggers",
}
KEY = re.compile(r"(?![_-])[a-z0-9_-]+(?<![_-])")


def texts(content: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text with the keys that lead to it."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from texts(value, (*path, key))
        else:
            yield (*path, key), value


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def code(text: str) -> list[str]:
    """What is set as code in a text, with its marks."""
    return re.findall(r"`+[^`]*`+", text)


def check_translations(content: Json) -> Iterator[str]:
    yield from (f"section {key} is unknown" for key in sorted(set(content) - TRANSLATION_SECTIONS))
    for path, text in texts(content):
        where = ".".join(path)
        yield from (f"{where}: key {key} is malformed" for key in path if not KEY.fullmatch(key))
        if not isinstance(text, str) or not text:
            yield f"{where}: is no text"
            continue
        if text != text.strip():
            yield f"{where}: has a space at an end"
        if re.search(r"<[a-zA-Z/!]", text):
            yield f"{where}: has HTML"
        if re.search(r"[a-z]+://|www\.", text):
            yield f"{where}: has a URL"
        if re.search(r"'\{\w*\}'", text):
            yield f"{where}: has a placeholder in single quotes"
        if text.startswith("[%"):
            yield f"{where}: is a reference, which is not resolved for custom integrations"
        try:
            placeholders(text)
        except ValueError:
            yield f"{where}: has an unpaired brace"
    yield from check_forms(content)
    for key, value in content.get("exceptions", {}).items():
        if set(value) != {"message"}:
            yield f"exceptions.{key}: has other than message"
    for key, value in content.get("issues", {}).items():
        if "title" not in value or ("description" in value) == ("fix_flow" in value):
            yield f"issues.{key}: has no title, or not one of description and fix_flow"


def check_forms(content: Any, where: str = "") -> Iterator[str]:
    """Help texts belong to fields."""
    if not isinstance(content, dict):
        return
    if extra := set(content.get("data_description", {})) - set(content.get("data", {})):
        yield f"{where}: help without a field: {', '.join(sorted(extra))}"
    for key, value in content.items():
        yield from check_forms(value, f"{where}.{key}".removeprefix("."))


# Texts that are the same in every language: placeholders alone, and names of companies and of a manufacturer's menu.
NAMES = {"Apple", "Bluetooth", "Google", "NFC", "ONVIF", "Open Relay via HTTP", "{name}", "{port}"}


# Texts that are the same in English and in one language.
SHARED_WORDS: Mapping[str, set[str]] = {
    "cs": {"Chat", "Firmware", "Token"},
    "de": {
        "App",
        "Code",
        "Display",
        "Display {display}",
        "Filter",
        "Firmware",
        "IDs",
        "Name",
        "Person",
        "Text",
        "Token",
    },
    "es": {"Chat", "Error", "Firmware", "ID", "Token"},
    "fr": {
        "Code",
        "Confirmation",
        "Contacts",
        "Dates",
        "Description",
        "Direction",
        "ID",
        "Image",
        "Images",
        "Message",
        "Mode",
        "Note",
        "Sections",
        "Session",
        "messages",
    },
    "it": {"App", "Chat", "Display", "Display {display}", "File", "Firmware", "ID", "Password", "Token"},
    "nl": {
        "App",
        "Camera",
        "Camera {source}",
        "Code",
        "Display",
        "Display {display}",
        "Filter",
        "Firmware",
        "Intercom",
        "Parameters",
        "Token",
        "Trigger",
    },
    "pl": {"Token"},
}


def check_language(english: Json, other: Json, language: str) -> Iterator[str]:
    """Another language has the keys, placeholders and code of English, and texts of its own."""
    left, right = dict(texts(english)), dict(texts(other))
    yield from (f"{'.'.join(path)} is missing" for path in sorted(set(left) - set(right)))
    yield from (f"{'.'.join(path)} is unknown" for path in sorted(set(right) - set(left)))
    for path in sorted(set(left) & set(right)):
        if placeholders(left[path]) != placeholders(right[path]):
            yield f"{'.'.join(path)} has other placeholders"
        if code(left[path]) != code(right[path]):
            yield f"{'.'.join(path)} has other code"
        if left[path] == right[path] and left[path] not in NAMES | SHARED_WORDS.get(language, set()):
            yield f"{'.'.join(path)} is English"


def translation_keys(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The section of the translations and the key, wherever a key is written out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            key = given.get("translation_key")
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                continue
            if name == "async_create_issue":
                yield "issues", key.value
            elif "Selector" in name:
                yield "selector", key.value
            elif "translation_domain" in given or name.endswith(("Error", "Failed", "NotReady")):
                yield "exceptions", key.value
            elif name == "DeviceInfo":
                yield "device", key.value
            else:
                yield "entity", key.value
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if getattr(target, "id", getattr(target, "attr", "")) == "_attr_translation_key":
                    yield "entity", str(node.value.value)


def check_translation_keys(module: str, tree: ast.Module, content: Json) -> Iterator[str]:
    for section, key in translation_keys(tree):
        if section != "entity":
            known = set(content.get(section, {}))
        else:
            entities = content.get("entity", {})
            known = {
                key
                for platform in ([module] if module in PLATFORMS else entities)
                for key in entities.get(platform, {})
            }
        if key not in known:
            yield f"{module}: {section} {key} is not translated"


def words(tree: ast.Module) -> Iterator[str]:
    """Patterns of every text, and for enumerations with auto() of every name that is assigned to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.escape(node.value)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id.lower()
        elif isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else None for part in node.values]
            if re.fullmatch(r"[a-z0-9_]+", "".join(str(part) for part in parts if part)):
                yield "".join(".+" if part is None else re.escape(str(part)) for part in parts)


# ---- Icons ----

ICON_SECTIONS = {"conditions", "entity", "services", "triggers"}


def check_icons(content: Json) -> Iterator[str]:
    yield from (f"section {key} is unknown" for key in sorted(set(content) - ICON_SECTIONS))
    for path, icon in texts(content):
        if not isinstance(icon, str) or not re.fullmatch(r"mdi:[a-z0-9-]+", icon):
            yield f"{'.'.join(path)}: {icon} is no icon"
    for platform, entities in content.get("entity", {}).items():
        for key, icons in entities.items():
            if "default" not in icons:
                yield f"entity.{platform}.{key}: has no default"
            if icons.get("default") in icons.get("state", {}).values():
                yield f"entity.{platform}.{key}: a state has the default icon"


# ---- Actions, triggers, conditions ----


def check_actions(actions: Json, names: Json, icons: Json) -> Iterator[str]:
    """Each action and field has a name, a help text and a selector; each action an icon."""
    yield from (f"{action} is translated but unknown" for action in sorted(set(names) - set(actions)))
    for action, details in actions.items():
        translated = names.get(action, {})
        if not {"name", "description"} <= set(translated):
            yield f"{action}: is not translated"
        if "service" not in icons.get(action, {}):
            yield f"{action}: has no icon"
        for field, properties in fields(details or {}):
            if not {"name", "description"} <= set(translated.get("fields", {}).get(field, {})):
                yield f"{action}.{field}: is not translated"
            try:
                validate_selector(properties["selector"])
            except (KeyError, vol.Invalid) as error:
                yield f"{action}.{field}: selector: {error}"


def fields(details: Json) -> Iterator[tuple[str, Json]]:
    for field, properties in details.get("fields", {}).items():
        if "fields" in properties:  # a section of the form
            yield from fields(properties)
        else:
            yield field, properties


# ---- Python ----

# Of hassfest's dependencies.py: what any integration may import without naming it in its manifest.
ALWAYS_ALLOWED = PLATFORMS | {
    "alert",
    "automation",
    "conversation",
    "default_config",
    "device_automation",
    "frontend",
    "group",
    "homeassistant",
    "input_boolean",
    "input_button",
    "input_datetime",
    "input_number",
    "input_select",
    "input_text",
    "media_source",
    "onboarding",
    "panel_custom",
    "persistent_notification",
    "script",
    "shopping_list",
    "stream",
    "system_log",
    "timer",
    "webhook",
    "websocket_api",
    "zone",
}


def used_components(tree: ast.Module) -> Iterator[str]:
    prefix = "homeassistant.components"
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == prefix:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{prefix}."):
            yield (node.module or "").split(".")[2]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[2] for alias in node.names if alias.name.startswith(f"{prefix}."))


def check_dependencies(module: str, tree: ast.Module, manifest: Json, modules: set[str]) -> Iterator[str]:
    allowed = ALWAYS_ALLOWED | set(manifest.get("dependencies", [])) | set(manifest.get("after_dependencies", []))
    # diagnostics.py is diagnostics' platform and may import it; modules of no integration may import those.
    components = Path(homeassistant.loader.__file__).parent / "components"
    allowed |= {module} if (components / module).is_dir() else modules
    allowed |= DISCOVERY & set(manifest)
    yield from (
        f"{module} imports {name}, which the manifest does not name" for name in set(used_components(tree)) - allowed
    )


def assigned(tree: ast.Module) -> set[str]:
    """Names assigned to at a module's top."""
    found = set()
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def functions(tree: ast.Module) -> set[str]:
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


# ---- Quality scale ----

QUALITY_RULES = {
    "action-setup",
    "appropriate-polling",
    "brands",
    "common-modules",
    "config-flow",
    "config-flow-test-coverage",
    "dependency-transparency",
    "docs-actions",
    "docs-triggers",
    "docs-conditions",
    "docs-high-level-description",
    "docs-installation-instructions",
    "docs-removal-instructions",
    "entity-event-setup",
    "entity-unique-id",
    "has-entity-name",
    "runtime-data",
    "test-before-configure",
    "test-before-setup",
    "unique-config-entry",
    "action-exceptions",
    "config-entry-unloading",
    "docs-configuration-parameters",
    "docs-installation-parameters",
    "entity-unavailable",
    "integration-owner",
    "log-when-unavailable",
    "parallel-updates",
    "reauthentication-flow",
    "test-coverage",
    "devices",
    "diagnostics",
    "discovery",
    "discovery-update-info",
    "docs-data-update",
    "docs-examples",
    "docs-known-limitations",
    "docs-supported-devices",
    "docs-supported-functions",
    "docs-troubleshooting",
    "docs-use-cases",
    "dynamic-devices",
    "entity-category",
    "entity-device-class",
    "entity-disabled-by-default",
    "entity-translations",
    "exception-translations",
    "icon-translations",
    "reconfiguration-flow",
    "repair-issues",
    "stale-devices",
    "async-dependency",
    "inject-websession",
    "strict-typing",
}


def check_quality(rules: Json) -> Iterator[str]:
    yield from (f"{rule} is missing" for rule in sorted(QUALITY_RULES - set(rules)))
    yield from (f"{rule} is unknown" for rule in sorted(set(rules) - QUALITY_RULES))
    for rule, value in rules.items():
        status = value.get("status") if isinstance(value, dict) else value
        if status not in {"done", "exempt", "todo"}:
            yield f"{rule} is {status}"
        if status in {"exempt", "todo"} and not (isinstance(value, dict) and value.get("comment")):
            yield f"{rule} is {status} without a reason"


# ---- HACS, brand, the repository itself ----

HACS_KEYS = {
    "content_in_root",
    "country",
    "filename",
    "hacs",
    "hide_default_branch",
    "homeassistant",
    "name",
    "persistent_directory",
    "render_readme",
    "zip_release",
}


def png_size(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n"), f"{path} is no PNG"
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def check_workflow(text: str) -> Iterator[str]:
    if yaml.safe_load(text).get("permissions") != {}:
        yield "permissions are not empty by default"
    for line in re.findall(r"uses: *(.*)", text):
        if not line.startswith("./") and not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # \S+", line):
            yield f"{line} is not pinned"


# Package registries and mirrors are the machine's affair. Written in two, for this file is one of those read.
HOSTS = [f"{name}.{domain}" for name, domain in (
    ("pypi", "org"), ("pythonhosted", "org"), ("deb.debian", "org"), ("security.debian", "org"), ("npmjs", "org"),
)]  # fmt: skip


def named_hosts(content: bytes) -> list[str]:
    return [host for host in HOSTS if host.encode() in content.lower()]


# ---- Documents ----

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    headings = _HEADING.findall(path.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def broken_links(path: Path) -> Iterator[str]:
    """Return the links of a page to files and headings that do not exist."""
    for link in _LINK.findall(path.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            yield link
