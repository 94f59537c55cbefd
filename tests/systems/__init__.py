"""Tests of the four systems: the client alone, the adapter, and both in Home Assistant."""
