"""Tests of the simulators: they must be no kinder than the devices."""
