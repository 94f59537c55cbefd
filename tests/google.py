"""Google's push service on 127.0.0.1, in place of the real one, for users of the library."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from firebase_messaging import FcmPushClientConfig, fcmpushclient, fcmregister
import pytest

from custom_components.ip_intercom.systems.common import fcm
from tests.simulators.fcm import API_KEY, APP_ID, PROJECT, SENDER, Simulator

VALUES = {"fcm_project_id": PROJECT, "fcm_app_id": APP_ID, "fcm_api_key": API_KEY, "fcm_sender_id": SENDER}
# No test waits for seconds between attempts.
HURRIED = FcmPushClientConfig(
    connection_retry_count=2,
    start_seconds_before_retry_connect=0.05,
    reset_interval=0.05,
    monitor_interval=0.05,
)


@asynccontextmanager
async def google_here(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Simulator]:
    """Simulate Google's push service; the library contacts no other server."""
    async with Simulator() as sim:
        monkeypatch.setattr(fcmregister, "GCM_CHECKIN_URL", f"{sim.url}/checkin")
        monkeypatch.setattr(fcmregister, "GCM_REGISTER_URL", f"{sim.url}/c2dm/register3")
        monkeypatch.setattr(fcmregister, "FCM_INSTALLATION", f"{sim.url}/installations/")
        monkeypatch.setattr(fcmregister, "FCM_REGISTRATION", f"{sim.url}/registrations/")
        host, port = sim.mcs_address
        monkeypatch.setattr(fcmpushclient, "MCS_HOST", host)
        monkeypatch.setattr(fcmpushclient, "MCS_PORT", port)
        monkeypatch.setenv("SSL_CERT_FILE", str(sim.certificate))
        monkeypatch.setattr(fcm, "_CONFIG", HURRIED)
        monkeypatch.setattr(fcm, "_WATCH_INTERVAL", 0.05)
        yield sim
