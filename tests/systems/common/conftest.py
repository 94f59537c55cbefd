"""A simulated 2N and its adapter; no Home Assistant anywhere."""

from tests.systems.two_n.client.conftest import any_bench, bench, session, sockets, start

__all__ = ["any_bench", "bench", "session", "sockets", "start"]
