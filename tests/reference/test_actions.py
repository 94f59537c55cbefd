"""`docs/actions.md` describes each action, each field, and each response."""

from copy import deepcopy

import probatio as vol
import pytest

from tests.reference import actions
from tests.repository.repository_rules import translations

NAMES = sorted(actions.schemas())
# Names that a function spells out for other actions only.
ELSEWHERE = {"conference_update": {"access_code"}, "list_temporary_codes": {"code"}}
# Names that come from the server.
PASSED_ON = {"sip_account": {"dial", "dtmf", "stun"}}
# What Home Assistant adds to the schema of an action of entities.
OF_ENTITIES = {"area_id", "device_id", "entity_id", "floor_id", "label_id", "metadata"}


def test_every_action_is_declared_and_known() -> None:
    assert sorted(actions.declarations()) == NAMES
    assert {*actions.actions(), *actions.ENTITY_ACTIONS} == set(NAMES)


def test_every_field_has_a_name_and_a_description() -> None:
    assert actions.undescribed(NAMES) == []


def test_a_field_without_a_description_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = deepcopy(translations())
    del texts["services"]["dial"]["fields"]["users"]["description"]
    monkeypatch.setattr(actions, "translations", lambda: texts)
    assert actions.undescribed(NAMES) == ["dial.users"]


def test_the_form_of_an_action_is_its_schema() -> None:
    for name in NAMES:
        declared, known = actions.declared(name), actions.markers(name)
        schema = {str(key.schema) for key in actions.mapping(actions.schemas()[name][0])}
        if name in actions.ENTITY_ACTIONS:
            schema -= OF_ENTITIES
        assert set(declared) == set(known) == schema, name
        for key, (marker, _) in known.items():
            assert declared[key].get("required", False) is isinstance(marker, vol.Required), (name, key)
            # A form shows no default for an empty object.
            assert declared[key].get("default") == (actions.default_of(marker) or declared[key].get("default")), (
                name,
                key,
            )


def test_every_action_has_a_system() -> None:
    assert [name for name in NAMES if not actions.systems_of(name)] == []


def test_responses_are_described() -> None:
    found = {
        name: sorted(
            actions.response_keys(actions.runs(name)) - ELSEWHERE.get(name, set()) | PASSED_ON.get(name, set())
        )
        for name in NAMES
        if actions.responds(name)
    }
    assert {name: sorted(texts) for name, texts in actions.responses().items()} == found
