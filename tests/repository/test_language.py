"""Texts and comments are plain American English; the limits are asserted and the counts printed (``-s``)."""

import ast
import io
from itertools import chain
from pathlib import Path
import re
import shutil
import subprocess
import tokenize

import pytest

from .repository_rules import INTEGRATION, ROOT, texts, translations

VAGUE = re.compile(r"\b(?:somebody|nobody|whoever|whatever|anybody|everybody)\b", re.IGNORECASE)
# Per thousand words of docstrings and comments.
LIMIT = 0.3
SHALL = re.compile(r"\bshall\b", re.IGNORECASE)
WORD = re.compile(r"[A-Za-z][A-Za-z']*")
# Words that have an American or a shorter form in texts for people.
FOREIGN = re.compile(r"\b(?:anew|telephones?|flats?|lifts?|number plates?|e-mails?|user name)\b", re.IGNORECASE)
# Subjects are checked from the commit after this one on.
BEFORE = "7a3ceab16e34356d276a0aac3aa9ba221c749486"
SUBJECT = 72
NAMES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
DOCUMENTS = (*(ROOT / name for name in NAMES), *sorted((ROOT / "docs").glob("*.md")))
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DOCUMENTED = (ast.Module, ast.ClassDef, *FUNCTIONS)
# A name that begins so has no subject.
SUBJECTLESS = re.compile(r"\Atest (?:what|who|whom|whose|which|whether|how|where|it|its|that|as|of|something)\b")


def prose(source: str) -> str:
    """Return the docstrings and comments of a module."""
    docstrings = (ast.get_docstring(node) or "" for node in ast.walk(ast.parse(source)) if isinstance(node, DOCUMENTED))
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return "\n".join(chain(docstrings, (token.string for token in tokens if token.type == tokenize.COMMENT)))


def function_names(source: str) -> list[str]:
    """Return the names of the functions of a module as words."""
    return [node.name.replace("_", " ").strip() for node in ast.walk(ast.parse(source)) if isinstance(node, FUNCTIONS)]


def vague_share(paths: list[Path]) -> tuple[float, list[str]]:
    """Return how many vague words come in a thousand, and the files that have them."""
    words, vague, where = 0, 0, []
    for path in paths:
        said = prose(path.read_text(encoding="utf-8"))
        words += len(WORD.findall(said))
        if count := len(VAGUE.findall(said)):
            vague += count
            where.append(f"{path.relative_to(ROOT)}: {count}")
    return 1000 * vague / words, where


def test_prose_is_docstrings_and_comments() -> None:
    source = '"""Somebody."""\nname = "nobody"  # whoever\n\n\ndef run():\n    """Run."""\n'
    assert prose(source) == "Somebody.\nRun.\n# whoever"


def test_function_names_are_words() -> None:
    source = "async def test_a_door_opens():\n    def _find_door():\n        nobody = 1\n"
    assert function_names(source) == ["test a door opens", "find door"]


@pytest.mark.parametrize("folder", [INTEGRATION, ROOT / "tests"], ids=lambda path: path.name)
def test_function_names_name_their_subject(folder: Path) -> None:
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted(folder.rglob("*.py"))
        for name in function_names(path.read_text(encoding="utf-8"))
        if VAGUE.search(name) or SUBJECTLESS.search(name)
    }
    assert found == set()


@pytest.mark.parametrize("folder", [INTEGRATION, ROOT / "tests"], ids=lambda path: path.name)
def test_comments_name_their_subject(folder: Path) -> None:
    share, where = vague_share(sorted(folder.rglob("*.py")))
    print(f"{folder.name}: {share:.2f} vague words per thousand")  # noqa: T201 -- the count is part of the report
    assert share <= LIMIT, "\n".join(where)


def test_texts_are_plain() -> None:
    found = {
        ".".join(path): text
        for path, text in texts(translations())
        if any(pattern.search(re.sub(r"`[^`]*`|\{\w+\}", "", text)) for pattern in (SHALL, VAGUE, FOREIGN))
    }
    assert found == {}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_are_plain(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if SHALL.search(line) or VAGUE.search(line)] == []


@pytest.mark.parametrize("language", ["en", "ru"])
def test_one_meaning_has_one_text(language: str) -> None:
    """Custom integrations cannot refer to a text (``[%key…%]``), so the same key has the same text everywhere."""
    content = translations(language)
    errors, exceptions = content["config"]["error"], content["exceptions"]
    shared = errors.keys() & exceptions.keys()
    assert len(shared) > 30
    assert {key for key in shared if errors[key] != exceptions[key]["message"]} == set()
    aborts = content["config"]["abort"]
    assert {key for key in errors.keys() & aborts.keys() if errors[key] != aborts[key]} == set()


def test_commit_subjects_are_short() -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no history in this tree")
    # Root may look at a tree of another user.
    command = [git, "-c", f"safe.directory={ROOT}", "log", "--no-merges", "--format=%s", f"{BEFORE}..HEAD"]
    log = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if log.returncode:
        pytest.skip("the history does not go back that far")
    assert [subject for subject in log.stdout.splitlines() if len(subject) > SUBJECT] == []
