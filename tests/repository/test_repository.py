"""What hassfest and the HACS action would say of this repository, and a few rules of its own."""

import ast
from collections.abc import Iterator
import json
from pathlib import Path
import re
import shlex
import shutil
import subprocess
import tomllib
import zipfile

import pytest
import yaml

from custom_components.ip_intercom.runtime.google_push import REQUIREMENTS

from .repository_rules import (
    DISCOVERY,
    HACS_KEYS,
    INTEGRATION,
    NAMES,
    PLATFORMS,
    QUALITY_RULES,
    ROOT,
    assigned,
    broken_links,
    check_actions,
    check_dependencies,
    check_icons,
    check_language,
    check_manifest,
    check_quality,
    check_translation_keys,
    check_translations,
    check_workflow,
    functions,
    named_hosts,
    png_size,
    python_files,
    read_json,
    read_yaml,
    repository_files,
    texts,
    translations,
    words,
)


def test_the_manifest_is_valid() -> None:
    manifest = read_json(INTEGRATION / "manifest.json")
    assert list(check_manifest(manifest)) == []
    assert manifest["domain"] == INTEGRATION.name
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert manifest["version"] == project["version"]


def test_the_repository_has_one_manifest() -> None:
    """The validators take every manifest.json for an integration's, fixtures too."""
    assert [path for path in repository_files() if path.name == "manifest.json"] == [INTEGRATION / "manifest.json"]


def test_the_repository_has_one_integration() -> None:
    assert [path.name for path in (ROOT / "custom_components").iterdir() if (path / "__init__.py").exists()] == [
        "ip_intercom"
    ]


def test_json_and_yaml_parse() -> None:
    for path in repository_files():
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix in {".yaml", ".yml"} and "blueprints" not in path.parts:
            yaml.safe_load(path.read_text(encoding="utf-8"))


LANGUAGES = sorted(path.stem for path in (INTEGRATION / "translations").glob("*.json"))


def test_the_expected_languages_exist() -> None:
    assert {"cs", "de", "en", "es", "fr", "it", "nl", "pl", "ru"} == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_translation_is_valid(language: str) -> None:
    assert list(check_translations(translations(language))) == []


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_languages_have_the_same_keys_and_placeholders(language: str) -> None:
    assert list(check_language(translations(), translations(language), language)) == []


def test_names_are_in_use() -> None:
    """A removed text needs no exception."""
    assert {text for _, text in texts(translations())} >= NAMES


def test_keys_used_in_python_are_translated() -> None:
    content = translations()
    problems = [
        problem for path, tree in python_files().items() for problem in check_translation_keys(path.stem, tree, content)
    ]
    assert problems == []


def test_translations_are_used() -> None:
    content = translations()
    known = re.compile("|".join({word for tree in python_files().values() for word in words(tree)}))
    named = [(section, key) for section in ("exceptions", "issues", "device") for key in content.get(section, {})]
    named += [("entity", key) for keys in content.get("entity", {}).values() for key in keys]
    assert [f"{section} {key} is used nowhere" for section, key in named if not known.fullmatch(key)] == []


def test_icons_are_valid_and_belong_to_named_entities() -> None:
    icons = read_json(INTEGRATION / "icons.json")
    assert list(check_icons(icons)) == []
    entities = translations()["entity"]
    assert [
        f"{platform}.{key} has an icon but no name"
        for platform, keys in icons.get("entity", {}).items()
        for key in keys
        if key not in entities.get(platform, {})
    ] == []


def test_actions_have_names_and_icons() -> None:
    actions = read_yaml(INTEGRATION / "services.yaml")
    icons = read_json(INTEGRATION / "icons.json").get("services", {})
    assert list(check_actions(actions, translations().get("services", {}), icons)) == []


@pytest.mark.parametrize("kind", ["trigger", "condition"])
def test_triggers_and_conditions_have_names_and_icons(kind: str) -> None:
    """Each description file has its module, names, and icons."""
    described = INTEGRATION / f"{kind}s.yaml"
    assert described.exists() == (INTEGRATION / f"{kind}.py").exists()
    # Keys that start with a dot or an underscore are anchors for the others.
    described_keys = {key for key in read_yaml(described) if key[0] not in "._"} if described.exists() else set()
    assert set(translations().get(f"{kind}s", {})) == described_keys
    assert set(read_json(INTEGRATION / "icons.json").get(f"{kind}s", {})) == described_keys


def test_imports_match_the_dependencies_of_the_manifest() -> None:
    manifest = read_json(INTEGRATION / "manifest.json")
    modules = {path.stem for path in INTEGRATION.glob("*.py")}
    problems: list[str] = []
    for path, tree in python_files().items():
        problems += check_dependencies(path.relative_to(INTEGRATION).with_suffix("").parts[0], tree, manifest, modules)
    assert problems == []


def test_platforms_declare_parallel_updates() -> None:
    platforms = {
        path: tree for path, tree in python_files().items() if path.parent == INTEGRATION and path.stem in PLATFORMS
    }
    assert platforms
    assert [path.name for path, tree in platforms.items() if "PARALLEL_UPDATES" not in assigned(tree)] == []


def test_the_integration_has_its_entry_points() -> None:
    files = {path.stem: tree for path, tree in python_files().items() if path.parent == INTEGRATION}
    assert "config_flow" in files
    if "async_setup" in functions(files["__init__"]):
        assert "CONFIG_SCHEMA" in assigned(files["__init__"])


def test_discovery_knows_the_device() -> None:
    manifest = read_json(INTEGRATION / "manifest.json")
    path = INTEGRATION / "config_flow.py"
    steps = functions(ast.parse(path.read_text(encoding="utf-8")))
    assert {f"async_step_{kind}" for kind in DISCOVERY & set(manifest)} <= steps
    assert "async_set_unique_id" in path.read_text(encoding="utf-8")


def test_each_quality_rule_is_done_or_exempt() -> None:
    assert len(QUALITY_RULES) == 54
    rules = read_yaml(INTEGRATION / "quality_scale.yaml")["rules"]
    assert list(check_quality(rules)) == []
    assert [rule for rule, value in rules.items() if value["status"] == "todo"] == []


def test_quality_scale_names_what_exists() -> None:
    """The paths in comments of rules are relative to the integration or the root."""
    for rule, value in read_yaml(INTEGRATION / "quality_scale.yaml")["rules"].items():
        paths = re.findall(r"[\w./-]+/(?=[\s,.;:]|$)|[\w./-]+\.(?:py|md|yaml|json|png|toml)\b", value["comment"])
        assert [path for path in paths if not (INTEGRATION / path).exists() and not (ROOT / path).exists()] == [], rule
        assert paths, rule


def test_the_hacs_manifest_is_valid() -> None:
    hacs = read_json(ROOT / "hacs.json")
    assert set(hacs) <= HACS_KEYS
    assert hacs["name"] == read_json(INTEGRATION / "manifest.json")["name"]
    assert hacs["homeassistant"] == "2026.10.0"
    assert (hacs["zip_release"], hacs["filename"]) == (True, "ip_intercom.zip")


def test_the_zip_of_a_release_has_the_files_of_the_integration(tmp_path: Path) -> None:
    archive = tmp_path / "ip_intercom.zip"
    subprocess.run([ROOT / "scripts" / "release-zip", archive], check=True)
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        names = opened.namelist()
    files = [path for path in repository_files() if path.is_relative_to(INTEGRATION)]
    assert sorted(names) == sorted(path.relative_to(INTEGRATION).as_posix() for path in files)
    steps = read_yaml(ROOT / ".github" / "workflows" / "release.yml")["jobs"]["release"]["steps"]
    assert f"scripts/release-zip {archive.name}" in [step.get("run") for step in steps]


@pytest.mark.parametrize("prefix", ["", "dark_"])
def test_the_brand_images_have_their_sizes(prefix: str) -> None:
    brand = INTEGRATION / "brand"
    assert png_size(brand / f"{prefix}icon.png") == (256, 256)
    assert png_size(brand / f"{prefix}icon@2x.png") == (512, 512)
    assert 128 <= min(png_size(brand / f"{prefix}logo.png")) <= 256
    assert 256 <= min(png_size(brand / f"{prefix}logo@2x.png")) <= 512


def test_top_level_files_exist() -> None:
    for name in ("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md", "uv.lock", ".ci/run"):
        assert (ROOT / name).is_file(), name
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_readme_names_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in ("scripts/demo", "scripts/test"):
        assert command in readme
        assert (ROOT / command).stat().st_mode & 0o111, f"{command} is not executable"


def test_the_workflows_are_valid() -> None:
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert {path.stem for path in workflows} >= {"release", "tests", "validate"}
    assert [problem for path in workflows for problem in check_workflow(path.read_text(encoding="utf-8"))] == []


def test_lock_belongs_to_the_project() -> None:
    """A change of a dependency requires scripts/lock."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    locked = next(package for package in packages if package["name"] == "ip-intercom")["metadata"]["requires-dev"]

    def wanted(group: str) -> Iterator[str]:
        for entry in groups[group]:
            if isinstance(entry, str):
                yield re.sub(r"[-_.]+", "-", entry.lower().split("==")[0]) + "".join(entry.partition("==")[1:])
            else:
                yield from wanted(entry["include-group"])

    assert {name: sorted(wanted(name)) for name in groups} == {
        name: sorted(entry["name"] + entry.get("specifier", "") for entry in entries)
        for name, entries in locked.items()
    }


def test_no_file_names_a_package_registry() -> None:
    files = repository_files()
    assert files
    assert {str(path.relative_to(ROOT)): found for path in files if (found := named_hosts(path.read_bytes()))} == {}


def unmatched_tests(command: str) -> list[str]:
    """Return the paths and keywords of a pytest command that select no test."""
    arguments, _, keywords = command.partition(" -k ")
    paths = [ROOT / path for path in arguments.split()]
    files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("test_*.py")))]
    names = [name for file in files for name in (file.stem, *re.findall(r"def (test_\w+)", file.read_text("utf-8")))]
    wanted = shlex.split(keywords)[0].split(" or ") if keywords else []
    missing = [str(path) for path in paths if not path.exists()]
    return missing + [keyword for keyword in wanted if not any(keyword in name for name in names)]


def test_security_names_tests_that_exist() -> None:
    commands = re.findall(r"\| `(tests[^`]*)` \|$", (ROOT / "SECURITY.md").read_text("utf-8"), re.MULTILINE)
    assert len(commands) >= 10
    assert {command: unmatched for command in commands if (unmatched := unmatched_tests(command))} == {}


def test_tests_that_do_not_exist_are_found() -> None:
    command = 'tests/repository -k "link or no_such_word"'
    assert unmatched_tests(command) == ["no_such_word"]
    assert unmatched_tests("tests/no_such_folder") == [str(ROOT / "tests/no_such_folder")]


DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
DOCUMENTS += sorted((ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_no_link_is_broken(path: Path) -> None:
    assert list(broken_links(path)) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One way\n[a](#one-way) [b](#two) [c](page.md#one-way) [d](other.md) [e](https://x)\n", encoding="utf-8"
    )
    assert list(broken_links(page)) == ["#two", "other.md"]


def test_the_readme_links_each_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in DOCUMENTS[3:] if f"(docs/{path.name})" not in readme] == []


def test_the_readme_says_when_discovery_begins() -> None:
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert "discovery of a newly installed integration begins after the next restart" in readme


def test_the_optional_library_is_pinned_and_tested() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    assert [entry for entry in groups["test"] if entry.startswith("firebase-messaging")] == REQUIREMENTS
    assert all(re.fullmatch(r"[a-z-]+==[0-9.]+", requirement) for requirement in REQUIREMENTS)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Return a copy of what the check of versions reads, with a section of the changelog for version 1.2.3."""
    (tmp_path / ".ci").mkdir()
    script = shutil.copy(ROOT / ".ci" / "check-version", tmp_path / ".ci")
    manifest = tmp_path / "custom_components" / "ip_intercom" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text('{\n  "domain": "ip_intercom",\n  "version": "1.2.3"\n}\n', encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n', encoding="utf-8")
    changelog = "# Changelog\n\n## Unreleased\n\n- Next.\n\n## 1.2.3 (2026-12-01)\n\n- Now.\n\n## 1.2.2\n\n- Before.\n"
    (tmp_path / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
    return Path(script)


def check_version(script: Path, tag: str) -> tuple[int, str]:
    done = subprocess.run([script, tag], check=False, capture_output=True, text=True)
    return done.returncode, done.stdout.strip()


def test_a_release_has_one_version_and_its_notes(release: Path) -> None:
    assert check_version(release, "v1.2.3") == (0, "- Now.")


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2", "v1.2.4", "v1.2.3b1"])
def test_a_tag_of_another_version_is_refused(release: Path, tag: str) -> None:
    code, said = check_version(release, tag)
    assert (code, said.startswith("::error::")) == (1, True)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("pyproject.toml", "1.2.3", "1.2.2"),
        ("custom_components/ip_intercom/manifest.json", "1.2.3", "1.2.4"),
        ("CHANGELOG.md", "1.2.3", "1.2.1"),
    ],
)
def test_a_file_of_another_version_is_refused(release: Path, name: str, old: str, new: str) -> None:
    path = release.parents[1] / name
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert check_version(release, "v1.2.3")[0] == 1


def test_a_release_is_complete_before_it_is_published() -> None:
    jobs = read_yaml(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    assert jobs["release"]["needs"] == ["versions", "tests"]
    steps = "\n".join(step.get("run", "") for step in jobs["release"]["steps"])
    draft, attach, publish = (
        steps.index(word) for word in ("--draft --verify-tag", "gh release upload", "--draft=false")
    )
    assert draft < attach < publish


def test_the_versions_of_home_assistant_are_tested() -> None:
    jobs = read_yaml(ROOT / ".github" / "workflows" / "tests.yml")["jobs"]
    assert jobs["versions"]["strategy"]["matrix"]["version"] == ["floor", "newest", "beta"]
    assert "beta" in jobs["versions"]["continue-on-error"]
    assert jobs["tests"]["steps"][-1]["run"] == "bash .ci/run"


def test_the_owners_are_those_of_the_manifest() -> None:
    owners = (ROOT / ".github" / "CODEOWNERS").read_text(encoding="utf-8").splitlines()[-1]
    assert owners.split() == ["*", *read_json(INTEGRATION / "manifest.json")["codeowners"]]
