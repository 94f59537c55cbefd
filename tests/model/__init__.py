"""Tests of the neutral model's pure functions."""
