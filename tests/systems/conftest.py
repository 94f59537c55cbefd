"""A simulated 2N and its adapter; no Home Assistant anywhere."""

from tests.api.conftest import any_bench, bench, integration, session, sockets, start

__all__ = ["any_bench", "bench", "integration", "session", "sockets", "start"]
