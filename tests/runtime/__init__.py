"""Tests of events, commands, and life cycle."""
