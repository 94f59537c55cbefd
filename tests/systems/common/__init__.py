"""Tests of what the systems share."""
