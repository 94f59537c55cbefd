"""Tests of a 2N in the neutral model."""
