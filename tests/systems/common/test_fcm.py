"""Pushes by Google's service: an unreadable push is received once and ends nothing, and the end is noticed."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
import logging
from typing import Any

from aiohttp import ClientSession
from firebase_messaging import FcmPushClientRunState
import pytest

from custom_components.ip_intercom.systems.common import fcm
from custom_components.ip_intercom.systems.common.errors import AppRefused, ConnectionFailed, LoginRefused, NotReached
from tests.common import until
from tests.google import google_here
from tests.simulators.fcm import API_KEY, APP_ID, PROJECT, SENDER, Simulator, Spoilt

OURS = fcm.Project(PROJECT, APP_ID, API_KEY, SENDER)
LIBRARY = "firebase_messaging"
UNREADABLE = [kind for kind in Spoilt if not kind.readable]


class Bench:
    """A receiver, and the pushes that it received."""

    def __init__(self, session: ClientSession) -> None:
        self.session = session
        self.heard: list[bytes] = []
        self.logins = 0
        self.hear: Callable[[bytes], None] = self.heard.append
        self.running: asyncio.Task[None] | None = None

    def receiver(self, credentials: Mapping[str, Any] | None = None, project: fcm.Project = OURS) -> fcm.FcmReceiver:
        return fcm.FcmReceiver(self.session, project, credentials, lambda data: self.hear(data), self._connected)

    def _connected(self) -> None:
        self.logins += 1

    async def run(self, credentials: Mapping[str, Any] | None = None) -> fcm.FcmReceiver:
        """Register, and receive until the test ends."""
        receiver, logins = self.receiver(credentials), self.logins
        await receiver.register()
        self.running = asyncio.create_task(receiver.run())
        await until(lambda: self.logins > logins, "the login")
        return receiver

    async def stop(self) -> None:
        if self.running is not None:
            self.running.cancel()
            await asyncio.gather(self.running, return_exceptions=True)

    async def end(self) -> None:
        """Wait until the receiver ends by itself, and raise its error."""
        assert self.running is not None
        await asyncio.wait_for(self.running, 20)


@pytest.fixture
async def google(sockets: None, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Simulator]:
    async with google_here(monkeypatch) as sim:
        yield sim


@pytest.fixture
async def bench(google: Simulator) -> AsyncGenerator[Bench]:
    async with ClientSession() as session:
        made = Bench(session)
        yield made
        await made.stop()


async def test_a_push_arrives_and_is_acknowledged(google: Simulator, bench: Bench) -> None:
    receiver = await bench.run()
    assert receiver.credentials["fcm"]["registration"]["token"] == google.registration.token
    message = google.push({"data": {"action": "inbox"}})
    await until(lambda: message.acknowledged, "the acknowledgement")
    assert bench.heard == [b'{"data": {"action": "inbox"}}']


@pytest.mark.parametrize("data", [b"no JSON", b"{}", b"[1]", b"\xff"])
async def test_a_push_is_delivered_unchanged(google: Simulator, bench: Bench, data: bytes) -> None:
    await bench.run()
    google.push(data)
    await until(lambda: bench.heard, "the push")
    assert bench.heard == [data]


@pytest.mark.parametrize("kind", [kind for kind in Spoilt if kind.readable])
async def test_pushes_in_other_encodings_are_read(google: Simulator, bench: Bench, kind: Spoilt) -> None:
    await bench.run()
    message = google.push(b"news", kind)
    await until(lambda: message.acknowledged, "the acknowledgement")
    assert bench.heard == [b"news"]


@pytest.mark.parametrize("kind", UNREADABLE)
async def test_an_unreadable_push_is_acknowledged_and_dropped(
    google: Simulator, bench: Bench, caplog: pytest.LogCaptureFixture, kind: Spoilt
) -> None:
    caplog.set_level(logging.DEBUG, fcm.__name__)
    receiver = await bench.run()
    bad, good = google.push(b"secret", kind), google.push(b"good")
    await until(lambda: good.acknowledged, "the acknowledgement")
    assert (bench.heard, bad.acknowledged) == ([b"good"], True)
    lines = [record for record in caplog.records if record.name == fcm.__name__]
    assert [line.levelno for line in lines] == [logging.DEBUG]
    # Nor does it come again at the next start.
    await bench.stop()
    google.push(b"later")
    await bench.run(receiver.credentials)
    await until(lambda: len(bench.heard) == 2, "the waiting messages")
    assert (bench.heard, bad.sent) == ([b"good", b"later"], 1)


async def test_a_notice_of_deleted_messages_is_no_push(google: Simulator, bench: Bench) -> None:
    await bench.run()
    message = google.push_deleted()
    await until(lambda: message.acknowledged, "the acknowledgement")
    assert bench.heard == []


async def test_an_error_of_the_listener_does_not_end_the_receiver(
    google: Simulator, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.run()

    def fail(data: bytes) -> None:
        raise ValueError

    bench.hear = fail
    bad = [google.push(b"bad") for _ in range(4)]
    await until(lambda: all(message.acknowledged for message in bad), "the acknowledgement")
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 4
    bench.hear = bench.heard.append
    google.push(b"good")
    await until(lambda: bench.heard == [b"good"], "the next")


async def test_a_waiting_push_is_delivered_at_the_next_login(google: Simulator, bench: Bench) -> None:
    receiver = await bench.run()
    await bench.stop()
    google.push(b"waits")
    await bench.run(receiver.credentials)
    await until(lambda: bench.heard == [b"waits"], "the push")
    assert google.registry.calls.count("registrations") == 1


# -- broken connections ----------------------------------------------------------------------------


@pytest.mark.parametrize("break_it", [Simulator.break_connections, Simulator.say_close])
async def test_a_lost_connection_is_restored_without_a_log_line(
    google: Simulator,
    bench: Bench,
    caplog: pytest.LogCaptureFixture,
    break_it: Callable[[Simulator], None],
) -> None:
    await bench.run()
    caplog.set_level(logging.INFO)
    caplog.clear()
    break_it(google)
    await until(lambda: bench.logins == 2, "the next login")
    google.push(b"news")
    await until(lambda: bench.heard == [b"news"], "the push")
    assert [record for record in caplog.records if record.name.startswith(LIBRARY)] == []


async def test_only_log_lines_of_this_receiver_are_lowered(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logger = logging.getLogger("firebase_messaging.fcmpushclient")
    logger.error("theirs")
    fcm._FROM_HERE.set(True)
    logger.error("ours")
    logger.setLevel(logging.INFO)
    try:
        logger.error("unheard")
    finally:
        logger.setLevel(logging.NOTSET)
    found = [(record.getMessage(), record.levelname) for record in caplog.records if record.name == logger.name]
    assert found == [("theirs", "ERROR"), ("ours", "DEBUG")]


async def test_the_receiver_ends_when_the_library_gives_up(google: Simulator, bench: Bench) -> None:
    await bench.run()
    await google.shut()
    with pytest.raises(ConnectionFailed):
        await bench.end()


async def test_a_receiver_without_a_connection_is_an_error(google: Simulator, bench: Bench) -> None:
    receiver = bench.receiver()
    await receiver.register()
    await google.shut()
    with pytest.raises(ConnectionFailed):
        await receiver.run()


@pytest.mark.parametrize("state", [FcmPushClientRunState.STOPPING, FcmPushClientRunState.STOPPED])
async def test_the_receiver_ends_when_the_library_changes_its_state(
    google: Simulator, bench: Bench, state: FcmPushClientRunState
) -> None:
    receiver = await bench.run()
    receiver._client.run_state = state
    with pytest.raises(ConnectionFailed):
        await bench.end()
    await until(lambda: not google.mcs.connections, "the end of the connection")


async def test_a_login_without_answer_is_given_up(
    google: Simulator, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcm, "_LOGIN_TIMEOUT", 0.3)
    google.mcs.mute = True
    receiver = bench.receiver()
    await receiver.register()
    with pytest.raises(ConnectionFailed):
        await receiver.run()
    assert bench.logins == 0


# -- registration ----------------------------------------------------------------------------------


async def test_a_rejected_api_key_has_its_own_error(
    google: Simulator, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    google.registry.refuse_key = True
    receiver = bench.receiver()
    with pytest.raises(AppRefused) as failed:
        await receiver.register()
    google.registry.refuse_key = False
    assert await receiver.register() == google.registration.token
    assert API_KEY not in caplog.text + str(failed.value) + repr(OURS)


@pytest.mark.parametrize(
    "wrong", [("elsewhere", APP_ID, API_KEY), (PROJECT, "1:2:web:3", API_KEY), (PROJECT, APP_ID, "x")]
)
async def test_wrong_values_are_refused(google: Simulator, bench: Bench, wrong: tuple[str, str, str]) -> None:
    with pytest.raises(AppRefused):
        await bench.receiver(project=fcm.Project(*wrong, SENDER)).register()


async def test_a_failed_registration_can_be_repeated(google: Simulator, bench: Bench) -> None:
    google.registry.phone_errors = 2  # the library tries as often
    receiver = bench.receiver()
    with pytest.raises(NotReached):
        await receiver.register()
    assert await receiver.register() == google.registration.token


async def test_a_forgotten_registration_is_an_error(google: Simulator, bench: Bench) -> None:
    receiver = await bench.run()
    await bench.stop()
    google.registry.forget()
    again = bench.receiver(receiver.credentials)
    await again.register()
    with pytest.raises(LoginRefused):
        await again.run()


@pytest.mark.parametrize("header", ["", "p256ecdsa=AAAA", "dh=a", "dh=%%%%", "dh=A=AA"])
def test_a_header_without_the_part_is_an_error(header: str) -> None:
    with pytest.raises(ValueError):
        fcm.encoded_part(header, "dh")
