"""Simulated Akuvox devices and our client for them; no Home Assistant anywhere."""

from tests.systems.akuvox.client.conftest import any_bench, bench, hurry, start
from tests.systems.bench import session, sockets

__all__ = ["any_bench", "bench", "hurry", "session", "sockets", "start"]
