"""Tests of the simulators, which must be at least as strict as the devices."""
