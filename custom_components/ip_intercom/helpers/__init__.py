"""Helpers of the runtime and the platforms."""
