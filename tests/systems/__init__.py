"""Tests of the adapters: what a device becomes in the neutral model."""
