"""Simulated Akuvox devices and our client for them; no Home Assistant anywhere."""

from tests.api.akuvox.conftest import any_bench, bench, hurry, start

__all__ = ["any_bench", "bench", "hurry", "start"]
