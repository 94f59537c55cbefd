"""Conditions of automations: ringing, calls, and the modes of doors."""

from typing import ClassVar, override

from homeassistant.components.binary_sensor import DOMAIN as BINARY_SENSOR_DOMAIN
from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.components.switch import DOMAIN as SWITCH_DOMAIN
from homeassistant.const import STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.condition import Condition, EntityStateConditionBase

from .entity import async_own_entities
from .model.parts import CallState


class _IntercomCondition(EntityStateConditionBase):
    """A condition for entities of this integration with certain translation keys."""

    entity_keys: ClassVar[frozenset[str]]

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Keep the entities of this integration that the condition is for."""
        return async_own_entities(self._hass, super().entity_filter(entities), self.entity_keys)


class RingingCondition(_IntercomCondition):
    """A visitor rings, or a call comes in."""

    _domain_specs = {BINARY_SENSOR_DOMAIN: DomainSpec()}
    _states = {STATE_ON}
    entity_keys = frozenset({"ringing", "ringing_named"})


class InCallCondition(_IntercomCondition):
    """A call is answered, or on hold."""

    _domain_specs = {SENSOR_DOMAIN: DomainSpec()}
    _states = {CallState.CONNECTED, CallState.HELD}
    entity_keys = frozenset({"call_state"})


class HeldOpenCondition(_IntercomCondition):
    """A door is held open by a command."""

    _domain_specs = {SWITCH_DOMAIN: DomainSpec()}
    _states = {STATE_ON}
    _primary_entities_only = False  # the switches are settings
    entity_keys = frozenset({"hold_open", "hold_open_named", "hold_open_numbered"})


class BlockedCondition(_IntercomCondition):
    """A door or an access point is blocked."""

    _domain_specs = {BINARY_SENSOR_DOMAIN: DomainSpec(), SWITCH_DOMAIN: DomainSpec()}
    _states = {STATE_ON}
    _primary_entities_only = False  # the switches are settings
    entity_keys = frozenset(
        {
            "access_point_entry",
            "access_point_exit",
            "block",
            "block_named",
            "block_numbered",
            "blocked",
            "blocked_named",
            "blocked_numbered",
        }
    )


class OpenForGuestsCondition(_IntercomCondition):
    """The doors open by themselves for visitors who ring."""

    _domain_specs = {SWITCH_DOMAIN: DomainSpec()}
    _states = {STATE_ON}
    _primary_entities_only = False  # the switches are settings
    entity_keys = frozenset({"open_for_guests"})


CONDITIONS: dict[str, type[Condition]] = {
    "is_ringing": RingingCondition,
    "is_in_call": InCallCondition,
    "is_held_open": HeldOpenCondition,
    "is_blocked": BlockedCondition,
    "is_open_for_guests": OpenForGuestsCondition,
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions by key."""
    return CONDITIONS
