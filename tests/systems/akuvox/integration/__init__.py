"""Akuvox devices in Home Assistant, from the config flow to the entities."""
