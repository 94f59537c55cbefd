"""Tests of a 2N below Home Assistant; in Home Assistant it is the device of all common tests."""
