"""Each rule of the repository accepts good input and rejects bad input."""

import ast
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .repository_rules import (
    HOSTS,
    QUALITY_RULES,
    Json,
    check_actions,
    check_dependencies,
    check_icons,
    check_language,
    check_manifest,
    check_quality,
    check_translation_keys,
    check_translations,
    check_workflow,
    named_hosts,
)

GOOD_MANIFEST = {
    "domain": "x",
    "name": "X",
    "codeowners": ["@someone"],
    "config_flow": True,
    "documentation": "https://example.com",
    "integration_type": "device",
    "iot_class": "local_push",
    "issue_tracker": "https://example.com/issues",
    "version": "0.1.0",
}


def with_requirement(requirement: str) -> Json:
    return dict(
        sorted(
            {**GOOD_MANIFEST, "requirements": [requirement]}.items(),
            key=lambda item: (item[0] not in ("domain", "name"), item[0]),
        )
    )


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (check_manifest, [GOOD_MANIFEST], [{"name": "X", **GOOD_MANIFEST}]),
        (check_manifest, [GOOD_MANIFEST], [{**GOOD_MANIFEST, "zz": 1}]),
        (check_manifest, [GOOD_MANIFEST], [{**GOOD_MANIFEST, "documentation": "http://example.com"}]),
        (check_manifest, [GOOD_MANIFEST], [{**GOOD_MANIFEST, "iot_class": "fast"}]),
        (check_manifest, [GOOD_MANIFEST], [{**GOOD_MANIFEST, "version": "newest"}]),
        (check_manifest, [with_requirement("x==1")], [with_requirement("x>=1")]),
        (check_translations, [{"title": "X"}], [{"titel": "X"}]),
        (check_translations, [{"exceptions": {"a": {"message": "X"}}}], [{"exceptions": {"A": {"message": "X"}}}]),
        (check_translations, [{"exceptions": {"a": {"message": "X"}}}], [{"exceptions": {"a": {"text": "X"}}}]),
        (check_translations, [{"title": "{a}"}], [{"title": "'{a}'"}]),
        (check_translations, [{"title": "a < b"}], [{"title": "<b>a</b>"}]),
        (check_translations, [{"title": "see"}], [{"title": "see https://x"}]),
        (check_translations, [{"title": "a b"}], [{"title": "a "}]),
        (check_translations, [{"title": "a {b}"}], [{"title": "a {b"}]),
        (check_translations, [{"title": "a"}], [{"title": "[%key:common::a%]"}]),
        (
            check_translations,
            [{"issues": {"a": {"title": "X", "description": "Y"}}}],
            [{"issues": {"a": {"title": "X"}}}],
        ),
        (
            check_translations,
            [{"config": {"step": {"user": {"data": {"a": "A"}, "data_description": {"a": "B"}}}}}],
            [{"config": {"step": {"user": {"data": {"a": "A"}, "data_description": {"b": "B"}}}}}],
        ),
        (check_language, [{"title": "{a}"}, {"title": "x {a}"}, "xx"], [{"title": "{a}"}, {"title": "x"}, "xx"]),
        (check_language, [{"title": "a"}, {"title": "b"}, "xx"], [{"title": "a"}, {}, "xx"]),
        (
            check_language,
            [{"title": "a"}, {"title": "b"}, "xx"],
            [{"title": "a"}, {"title": "b", "common": {"c": "d"}}, "xx"],
        ),
        (check_language, [{"title": "a"}, {"title": "b"}, "xx"], [{"title": "a"}, {"title": "a"}, "xx"]),
        (
            check_language,
            [{"title": "{name}"}, {"title": "{name}"}, "xx"],
            [{"title": "a {name}"}, {"title": "a {name}"}, "xx"],
        ),
        (
            check_language,
            [{"title": "a `{b}`"}, {"title": "c `{b}`"}, "xx"],
            [{"title": "a `{b}`"}, {"title": "c {b}"}, "xx"],
        ),
        (
            check_icons,
            [{"entity": {"lock": {"a": {"default": "mdi:a"}}}}],
            [{"entity": {"lock": {"a": {"default": "a"}}}}],
        ),
        (
            check_icons,
            [{"entity": {"lock": {"a": {"default": "mdi:a", "state": {"on": "mdi:b"}}}}}],
            [{"entity": {"lock": {"a": {"default": "mdi:a", "state": {"on": "mdi:a"}}}}}],
        ),
        (
            check_actions,
            [{"a": {}}, {"a": {"name": "A", "description": "A"}}, {"a": {"service": "mdi:a"}}],
            [{"a": {}}, {}, {"a": {"service": "mdi:a"}}],
        ),
        (
            check_actions,
            [{}, {}, {}],
            [
                {"a": {"fields": {"b": {"selector": {"txet": None}}}}},
                {"a": {"name": "A", "description": "A", "fields": {"b": {"name": "B", "description": "B"}}}},
                {"a": {"service": "mdi:a"}},
            ],
        ),
        (check_quality, [dict.fromkeys(QUALITY_RULES, "done")], [dict.fromkeys(QUALITY_RULES, "todo")]),
        (check_quality, [dict.fromkeys(QUALITY_RULES, "done")], [{}]),
        (
            check_quality,
            [{rule: {"status": "exempt", "comment": "because"} for rule in QUALITY_RULES}],
            [{rule: {"status": "exempt"} for rule in QUALITY_RULES}],
        ),
        (
            check_quality,
            [{rule: {"status": "todo", "comment": "is missing"} for rule in QUALITY_RULES}],
            [{rule: {"status": "todo"} for rule in QUALITY_RULES}],
        ),
        (
            check_translation_keys,
            ["lock", ast.parse("D(key='k', translation_key='a')"), {"entity": {"lock": {"a": {}}}}],
            ["lock", ast.parse("D(key='k', translation_key='a')"), {"entity": {"switch": {"a": {}}}}],
        ),
        (
            check_translation_keys,
            ["x", ast.parse("raise E(translation_domain=D, translation_key='a')"), {"exceptions": {"a": {}}}],
            ["x", ast.parse("raise E(translation_domain=D, translation_key='a')"), {"issues": {"a": {}}}],
        ),
        (
            check_dependencies,
            ["x", ast.parse("from homeassistant.components.http import a"), {"dependencies": ["http"]}, {"x"}],
            ["x", ast.parse("from homeassistant.components import http"), {}, {"x"}],
        ),
        (
            check_dependencies,
            ["diagnostics", ast.parse("from homeassistant.components.diagnostics import a"), {}, {"diagnostics"}],
            ["lock", ast.parse("import homeassistant.components.diagnostics"), {}, {"diagnostics"}],
        ),
        (
            check_workflow,
            ["permissions: {}\njobs: {a: {steps: [{\nuses: a/b@" + "0" * 40 + " # v1\n}]}}"],
            ["permissions: {}\njobs: {a: {steps: [{\nuses: a/b@v1\n}]}}"],
        ),
        (check_workflow, ["permissions: {}"], ["permissions: {contents: write}"]),
        (named_hosts, [b"https://index.invalid/simple"], [f"https://files.{HOSTS[1]}/x".encode()]),
    ],
)
def test_each_rule_reports_its_violation(check: Callable[..., Iterator[str]], good: list[Any], bad: list[Any]) -> None:
    assert list(check(*good)) == []
    assert list(check(*bad)) != []
