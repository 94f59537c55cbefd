"""Tests that try to break the promises of the integration."""
