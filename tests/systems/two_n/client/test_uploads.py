"""Uploads of files: once, completely, in pieces, and with each fault (HTTP API 2.2, 5.2)."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
import hashlib
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO
from urllib.request import parse_http_list, parse_keqv_list

import aiohttp
import pytest
from yarl import URL

from custom_components.ip_intercom.systems.common.errors import (
    AuthenticationFailed,
    CommandFailed,
    ConnectionFailed,
    FileTooOld,
    FileUnreadable,
    FileWaiting,
    FunctionRefused,
    InvalidRequest,
    NoAnswer,
    PermissionDenied,
    SecureConnectionRequired,
    ServiceDisabled,
    UnexpectedReply,
)
from custom_components.ip_intercom.systems.common.http import HttpTransport
from custom_components.ip_intercom.systems.common.messages import PIECE, Upload
from custom_components.ip_intercom.systems.two_n.client import TwoNClient, TwoNDevice
from custom_components.ip_intercom.systems.two_n.client.client import CONCURRENT_REQUESTS, SMALL_FILE
from custom_components.ip_intercom.systems.two_n.client.protocol import (
    CONFIG_HOLIDAYS_PUT,
    DISPLAY_IMAGE,
    SYSTEM_STATUS,
)
from tests.common import until
from tests.simulators.two_n import Account, Privilege, make_firmware

from .conftest import PASSWORD, USERNAME, Bench, Start

NEWER, OLDER, TOO_OLD = "2.51.0.77.1", "2.44.0.66.3", "2.10.0.19.2"
LARGE = 3 * 2**20
TRANSPORT = "custom_components.ip_intercom.systems.common.http"
CLIENT = "custom_components.ip_intercom.systems.two_n.client.client"


def firmware(
    version: str = NEWER, size: int = LARGE, package: str = "verso"
) -> tuple[bytes, tuple[IO[bytes], str, int]]:
    """Return a file's content, and what ``Firmware.upload`` takes."""
    content = make_firmware(package, version, size)
    return content, (BytesIO(content), "firmware.bin", len(content))


def held(bench: Bench) -> str | None:
    """Return the hash of the uploaded file on the device."""
    upload = bench.sim.firmware.upload
    return None if upload is None else upload.sha256


# -- 5.2 firmware ------------------------------------------------------------------------------------


async def test_each_model_takes_and_rejects_a_firmware_file(any_bench: Bench) -> None:
    package = str(any_bench.sim.model.info.get("firmwarePackage", "vario"))
    content, file = firmware("9.0.0.0.1", package=package)
    device = any_bench.device()
    taken = await device.firmware.upload(*file)
    assert held(any_bench) == sha256(content).hexdigest()
    assert (taken.version, taken.downgrade) == ("9.0.0.0.1", False)
    assert taken.note is not None and taken.note.startswith("EN:\r\n")
    await device.firmware.reject(taken.id)
    assert held(any_bench) is None
    for command in (device.firmware.reject, device.firmware.apply):
        with pytest.raises(CommandFailed, match="new firmware not found"):
            await command(taken.id)
        with pytest.raises(InvalidRequest) as refused:
            await command("no hex")
        assert refused.value.parameter == "fileId"


async def test_firmware_is_installed(start: Start) -> None:
    bench = await start(speed=200)
    device = bench.device()
    taken = await device.firmware.upload(*firmware()[1])
    await device.firmware.apply(taken.id)
    await until(lambda: bench.sim.model.info["swVersion"] == NEWER, "the new version")
    await bench.sim.wait_until_up()
    assert (await device.system.info()).firmware == NEWER


async def test_an_older_firmware_is_a_downgrade_or_too_old(bench: Bench) -> None:
    assert (await bench.device().firmware.upload(*firmware(OLDER)[1])).downgrade
    with pytest.raises(FileTooOld, match="lower than the required minimum"):
        await (await _another(bench)).firmware.upload(*firmware(TOO_OLD)[1])


async def _another(bench: Bench) -> TwoNDevice:
    device = bench.device()
    waiting = bench.sim.firmware.upload
    assert waiting is not None
    await device.firmware.reject(waiting.id)
    return device


async def test_an_invalid_firmware_file_is_an_error(bench: Bench) -> None:
    for content in (b"", b"\0" * 100, make_firmware("verso2", NEWER), make_firmware("verso", NEWER)[:-1]):
        with pytest.raises(InvalidRequest) as refused:
            await bench.device().firmware.upload(BytesIO(content), "x.bin", len(content))
        assert refused.value.parameter == "blob-fw"


@pytest.mark.parametrize(
    ("reported", "decoded"),
    [
        ('{"fileid": "7d6adf16", "version": "3.0"}', ("7d6adf16", "3.0", False, None)),
        ('{"fileId": 12345678, "version": "3.0", "downgrade": "true"}', ("12345678", "3.0", True, None)),
        ('{"version": "3.0"}', None),
        ('{"fileId": "7d6adf16"}', None),
        ("{}", None),
    ],
)
async def test_odd_answers_to_firmware(bench: Bench, reported: str, decoded: tuple[object, ...] | None) -> None:
    """The table of 5.2.1 spells it fileid, the example fileId."""
    bench.sim.garbage("firmware", f'{{"success": true, "result": {reported}}}', "application/json")
    sent = bench.device().firmware.upload(*firmware(size=4096)[1])
    if decoded is None:
        with pytest.raises(UnexpectedReply):
            await sent
        return
    taken = await sent
    assert (taken.id, taken.version, taken.downgrade, taken.note) == decoded


async def test_a_second_upload_is_an_error_while_a_file_is_staged(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP API 5.2.1: the device does not reply. The error must not be that of a broken network."""
    device = bench.device()
    await device.firmware.upload(*firmware()[1])
    monkeypatch.setattr(f"{CLIENT}.UPLOAD_TIMEOUT", 0.3)
    with pytest.raises(FileWaiting):
        await device.firmware.upload(*firmware()[1])
    # Where it answers nothing else either, it is the network.
    monkeypatch.setattr(f"{CLIENT}.REQUEST_TIMEOUT", 0.3)
    sending = asyncio.ensure_future(device.firmware.upload(*firmware()[1]))
    await until(lambda: len(bench.sim._handling) == 1 and bench.seen() == [], "the device to keep silent")
    bench.sim.delay(30)
    with pytest.raises(NoAnswer):
        await sending


async def test_two_files_are_uploaded_one_after_the_other(bench: Bench) -> None:
    device = bench.device()
    files = [firmware(OLDER)[1], firmware(OLDER)[1]]
    bench.sim.delay(0.2, "firmware")
    first, second = (asyncio.ensure_future(device.firmware.upload(*file)) for file in files)
    taken = await first
    await device.firmware.reject(taken.id)
    assert (await second).id != taken.id


# -- what is sent ------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", ["none", "basic", "digest"])
@pytest.mark.parametrize("size", [200, SMALL_FILE - 1, SMALL_FILE, LARGE])
async def test_a_file_is_sent_once(bench: Bench, auth: str, size: int) -> None:
    bench.set_auth(system=auth)
    device = bench.device()
    await device.system.status()
    bench.seen()
    content, file = firmware(size=size)
    await device.firmware.upload(*file)
    assert held(bench) == sha256(content).hexdigest()
    assert [request.path for request in bench.seen()].count("/api/firmware") == 1


@pytest.mark.parametrize("auth", ["none", "basic", "digest"])
async def test_a_new_client_sends_a_large_file_once(bench: Bench, auth: str) -> None:
    bench.set_auth(system=auth)
    content, file = firmware()
    await bench.device().firmware.upload(*file)
    assert held(bench) == sha256(content).hexdigest()
    assert [request.path for request in bench.seen()].count("/api/firmware") == 1


async def test_firmware_is_uploaded_over_https(bench: Bench) -> None:
    content, file = firmware()
    await bench.device(secure=True).firmware.upload(*file)
    assert held(bench) == sha256(content).hexdigest()


async def test_the_progress_of_an_upload_is_reported(bench: Bench) -> None:
    reported: list[int] = []
    await bench.device().firmware.upload(*firmware()[1], reported.append)
    assert reported == [*range(PIECE, LARGE, PIECE), LARGE]


async def test_a_file_is_sent_from_its_beginning_and_stays_open(bench: Bench, tmp_path: Path) -> None:
    content, _ = firmware()
    path = tmp_path / "firmware.bin"
    path.write_bytes(content)
    with path.open("rb") as file:
        file.seek(1000)
        await bench.device().firmware.upload(file, path.name, len(content))
        assert not file.closed
    assert held(bench) == sha256(content).hexdigest()


async def test_a_growing_file_is_sent_up_to_its_size(bench: Bench) -> None:
    content, _ = firmware()
    await bench.device().firmware.upload(BytesIO(content + b"grown"), "f", len(content))
    assert held(bench) == sha256(content).hexdigest()


@pytest.mark.parametrize("filename", ['Žluť oučký "kůň".bin', "a\r\nX-Evil: 1", "../../etc/passwd", ""])
async def test_names_of_any_characters(bench: Bench, filename: str) -> None:
    content, (file, _, size) = firmware()
    try:
        await bench.device().firmware.upload(file, filename, size)
    except ValueError:
        assert "\r" in filename
    else:
        assert held(bench) == sha256(content).hexdigest()


def test_the_repr_of_an_upload_hides_its_content() -> None:
    upload = Upload("blob-cfg", "config.xml", "application/xml", BytesIO(b"s3cret"), 6)
    assert "s3cret" not in repr(upload) and "BytesIO" not in repr(upload)


# -- refusals ----------------------------------------------------------------------------------------


async def test_a_rejected_upload_sends_no_file(start: Start) -> None:
    bench = await start(accounts=[Account("ha", "ha-pass", Privilege.MONITORING)])
    device = bench.device()
    reported: list[int] = []

    async def send() -> None:
        await device.firmware.upload(*firmware()[1], reported.append)

    with pytest.raises(PermissionDenied):
        await send()
    bench.sim.require_tls("system")
    with pytest.raises(SecureConnectionRequired):
        await send()
    bench.sim.disable("system")
    with pytest.raises(ServiceDisabled):
        await send()
    bench.sim.enable("system")
    bench.sim.require_tls("system", False)
    bench.sim.change_password("ha", "new")
    bench.seen()
    with pytest.raises(AuthenticationFailed):
        await send()
    # One for each nonce that is known, and another function.
    assert bench.refused() <= 3
    assert not reported


@pytest.mark.parametrize("times", [1, 2])
async def test_a_stale_nonce_repeats_an_upload_once(bench: Bench, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    monkeypatch.setattr(f"{CLIENT}.SMALL_FILE", 2**30)  # nothing is asked before
    content, file = firmware()
    device = bench.device()
    await device.system.status()
    bench.sim.expire_nonces()
    bench.sim.stray_401(times - 1)
    bench.seen()
    reported: list[int] = []
    if times == 2:
        with pytest.raises(FunctionRefused):
            await device.firmware.upload(*file, reported.append)
        assert held(bench) is None
    else:
        await device.firmware.upload(*file, reported.append)
        assert held(bench) == sha256(content).hexdigest()
    # After the second refusal, another function shows that the login is right.
    assert [request.status for request in bench.seen()] == ([401, 401, 401, 200] if times == 2 else [401, 200])
    assert reported.count(LARGE) == 2


async def test_a_service_changes_its_scheme_before_a_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{CLIENT}.SMALL_FILE", 2**30)
    device = bench.device()
    await device.system.status()
    bench.set_auth(system="basic")
    content, file = firmware()
    await device.firmware.upload(*file)
    assert held(bench) == sha256(content).hexdigest()


# -- faults ------------------------------------------------------------------------------------------


class Awkward(BytesIO):
    """A file on a disk that fails."""

    def __init__(self, content: bytes, error: Exception) -> None:
        """Fail with ``error`` in the middle."""
        super().__init__(content)
        self.error = error

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > LARGE // 2:
            raise self.error
        return super().read(size)


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), ValueError("I/O operation on closed file")])
async def test_an_unreadable_file_is_an_error(bench: Bench, error: Exception) -> None:
    """The device is not at fault."""
    content, _ = firmware()
    device = bench.device()
    with pytest.raises(FileUnreadable, match=f"firmware.bin cannot be read: {type(error).__name__}"):
        await device.firmware.upload(Awkward(content, error), "firmware.bin", len(content))
    await device.system.status()
    assert held(bench) is None


async def test_a_shrinking_file_is_an_error(bench: Bench) -> None:
    content, _ = firmware()
    with pytest.raises(FileUnreadable):
        await bench.device().firmware.upload(BytesIO(content[:-1]), "firmware.bin", len(content))
    assert held(bench) is None


async def test_the_connection_breaks_in_mid_upload(bench: Bench) -> None:
    device = bench.device()
    reported: list[int] = []

    def progress(sent: int) -> None:
        reported.append(sent)
        if len(reported) == 3:
            bench.sim.reset_connections()

    content, file = firmware(size=32 * 2**20)
    with pytest.raises(ConnectionFailed):
        await device.firmware.upload(*file, progress)
    assert reported.count(PIECE) == 1, "the file is not sent again automatically"
    await device.firmware.upload(*file)
    assert held(bench) == sha256(content).hexdigest()


async def test_a_canceled_upload_ends(bench: Bench) -> None:
    device = bench.device()
    reported: list[int] = []
    sending = asyncio.ensure_future(device.firmware.upload(*firmware(size=64 * 2**20)[1], reported.append))
    await until(lambda: reported, "the first piece")
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    sent = len(reported)
    await device.system.status()
    await asyncio.sleep(0.05)
    assert len(reported) == sent
    await device.firmware.upload(*firmware()[1])


async def test_a_page_instead_of_an_answer(bench: Bench) -> None:
    for kind in ("html", "truncated", "empty"):
        bench.sim.garbage("firmware", kind)
        with pytest.raises(UnexpectedReply):
            await bench.device().firmware.upload(*firmware()[1])


async def test_requests_go_on_beside_an_upload(bench: Bench) -> None:
    device = bench.device()
    bench.sim.delay(1.0, "firmware")
    sending = asyncio.ensure_future(device.firmware.upload(*firmware()[1]))
    await until(lambda: len(bench.sim._handling) == 1 and not bench.seen(), "the upload")
    async with asyncio.timeout(0.8):
        await asyncio.gather(*(device.switch.status() for _ in range(2 * CONCURRENT_REQUESTS)))
    assert not sending.done()
    await sending


async def test_a_small_upload_counts_as_a_request(bench: Bench) -> None:
    client = bench.client()
    await client.call(SYSTEM_STATUS)
    bench.sim.delay(0.5)
    content = b'{"dates": []}'
    sent = [
        asyncio.ensure_future(
            client.upload(CONFIG_HOLIDAYS_PUT, Upload("blob-json", "x", "application/json", BytesIO(content), 13))
        )
        for _ in range(CONCURRENT_REQUESTS + 2)
    ]
    await until(lambda: len(bench.sim._handling) >= CONCURRENT_REQUESTS, "requests at work")
    await asyncio.sleep(0.1)
    assert len(bench.sim._handling) == CONCURRENT_REQUESTS
    bench.sim.delay(0)
    await asyncio.gather(*sent)


# -- devices that answer in the middle ---------------------------------------------------------------

type Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
type Listen = Callable[[Talk], Awaitable[TwoNClient]]
CHALLENGE = b'WWW-Authenticate: Digest realm="HTTP API", qop="auth", nonce="%d"\r\n'


@pytest.fixture
async def listen(session: aiohttp.ClientSession) -> AsyncGenerator[Listen]:
    """Listen with a few lines of socket, and give a client for it."""
    async with AsyncExitStack() as stack:
        talking: set[asyncio.Task[None]] = set()

        async def listen(talk: Talk) -> TwoNClient:
            async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = asyncio.current_task()
                assert task is not None
                talking.add(task)
                with suppress(asyncio.CancelledError):
                    await talk(reader, writer)
                writer.transport.abort()

            server = await asyncio.start_server(accept, "127.0.0.1", 0)
            stack.callback(server.close)
            host, port = server.sockets[0].getsockname()
            return TwoNClient(HttpTransport(session, URL(f"http://{host}:{port}")), USERNAME, PASSWORD)

        yield listen
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)


async def head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    """Read the head of a request: its first line and its fields."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    return first, {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}


def answer(
    writer: asyncio.StreamWriter, body: bytes = b'{"success": true}', status: int = 200, extra: bytes = b""
) -> None:
    writer.write(b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % (status, len(body)))
    writer.write(extra + b"\r\n" + body)


def video(content: bytes, reported: Callable[[int], None] | None = None) -> Upload:
    return Upload("blob-video", "intro.mp4", "video/mp4", BytesIO(content), len(content), reported)


async def test_the_upload_form_matches_the_manual(listen: Listen) -> None:
    """HTTP API 5.9.2.1, with a length because small devices do not support chunks."""
    got: list[tuple[str, dict[str, str], bytes]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, fields = await head(reader)
        got.append((line, fields, await reader.readexactly(int(fields["content-length"]))))
        answer(writer)

    client = await listen(talk)
    params = {"display": "ext1", "duration": "20"}
    await client.upload(DISPLAY_IMAGE, Upload("blob-video", "2N_intro.mp4", "video/mp4", BytesIO(b"video"), 5), params)
    line, fields, body = got[0]
    assert line == "PUT /api/display/image?display=ext1&duration=20 HTTP/1.1"
    assert "transfer-encoding" not in fields and "expect" not in fields
    kind, _, boundary = fields["content-type"].partition("; boundary=")
    assert kind == "multipart/form-data"
    assert body.split(b"\r\n") == [
        b"--" + boundary.encode(),
        b"Content-Type: video/mp4",
        b'Content-Disposition: form-data; name="blob-video"; filename="2N_intro.mp4"',
        b"",
        b"video",
        b"--" + boundary.encode() + b"--",
        b"",
    ]


@pytest.mark.parametrize("how", ["keep-alive", "close", "unfinished"])
async def test_a_challenge_during_an_upload_starts_it_again(
    listen: Listen, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The first attempt ends at once, and the second one sends the whole file."""
    monkeypatch.setattr(f"{CLIENT}.SMALL_FILE", 2**30)
    content = bytes(range(256)) * 2**17  # more than the buffers of a connection hold
    attempts: list[bytes] = []
    given_up: list[bool] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, fields = await head(reader)
        if "authorization" not in fields:
            await reader.readexactly(PIECE)
            extra = CHALLENGE % 1 + (b"Connection: close\r\n" if how == "close" else b"")
            if how == "unfinished":  # the rest of the answer comes when all is read
                extra += b"Content-Length: 40\r\n"
                writer.write(b"HTTP/1.1 401 X\r\nContent-Type: application/json\r\n" + extra + b"\r\n{")
            else:
                answer(writer, b'{"success": false, "error": {"code": 9}}', 401, extra)
            try:
                rest = await reader.read(-1)
            except ConnectionError:
                rest = b""
            given_up.append(len(rest) < len(content) // 2)
            writer.close()
            return
        attempts.append(await reader.readexactly(int(fields["content-length"])))
        answer(writer)

    reported: list[int] = []
    client = await listen(talk)
    await client.upload(DISPLAY_IMAGE, video(content, reported.append), {"display": "ext1"})
    assert len(attempts) == 1
    assert content in attempts[0]
    assert reported[-1] == len(content)
    begins = [place for place, sent in enumerate(reported) if sent == PIECE]
    assert len(begins) == 2
    assert reported[begins[1] :] == [*range(PIECE, len(content), PIECE), len(content)]
    await until(lambda: given_up, "the first attempt to end")
    assert given_up == [True]


async def test_an_upload_supports_digest_with_integrity(listen: Listen) -> None:
    """No known 2N requests ``auth-int``."""

    def md5(*parts: str | bytes) -> str:
        joined = b":".join(part.encode() if isinstance(part, str) else part for part in parts)
        return hashlib.md5(joined, usedforsecurity=False).hexdigest()

    right: list[bool] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not right:
            line, fields = await head(reader)
            body = await reader.readexactly(int(fields["content-length"]))
            if (given := fields.get("authorization")) is None:
                answer(writer, b"{}", 401, (CHALLENGE % 1).replace(b'"auth"', b'"auth-int"'))
                continue
            reported = parse_keqv_list(parse_http_list(given.removeprefix("Digest ")))
            ha1, ha2 = md5(USERNAME, "HTTP API", PASSWORD), md5("PUT", line.split()[1], md5(body))
            response = md5(ha1, "1", reported["nc"], reported["cnonce"], "auth-int", ha2)
            right.append(reported["response"] == response)
            answer(writer)

    client = await listen(talk)
    await client.upload(DISPLAY_IMAGE, video(b"video" * 1000), {"display": "ext1"})
    assert right == [True]


async def test_an_early_error_response_ends_the_upload(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device responds before it has read the whole file."""
    monkeypatch.setattr(f"{CLIENT}.SMALL_FILE", 2**30)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        await reader.readexactly(PIECE)
        error = b'{"success": false, "error": {"code": 13, "param": "blob-video", "description": "too big"}}'
        answer(writer, error)

    client = await listen(talk)
    async with asyncio.timeout(5):
        with pytest.raises(InvalidRequest) as refused:
            await client.upload(DISPLAY_IMAGE, video(bytes(64 * 2**20)), {"display": "ext1"})
    assert refused.value.parameter == "blob-video"


async def test_an_upload_to_a_stalled_device_is_an_error(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{TRANSPORT}.UPLOAD_STALL", 0.3)
    monkeypatch.setattr(f"{CLIENT}.SMALL_FILE", 2**30)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        await asyncio.sleep(60)

    client = await listen(talk)
    async with asyncio.timeout(5):
        with pytest.raises(NoAnswer, match=r"/api/display/image stopped reading the upload after \d+ bytes"):
            await client.upload(DISPLAY_IMAGE, video(bytes(64 * 2**20)), {"display": "ext1"})


async def test_an_upload_to_a_slow_device_succeeds(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    """The upload takes much longer than the stall timeout."""
    monkeypatch.setattr(f"{TRANSPORT}.UPLOAD_STALL", 1.0)
    monkeypatch.setattr(f"{CLIENT}.SMALL_FILE", 2**30)
    size = 64 * 2**20

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, fields = await head(reader)
        left = int(fields["content-length"])
        while left:
            await asyncio.sleep(0.05)
            left -= len(await reader.readexactly(min(left, 2 * 2**20)))
        answer(writer)

    client = await listen(talk)
    await client.upload(DISPLAY_IMAGE, video(bytes(size)), {"display": "ext1"})


async def test_an_upload_without_a_response_is_an_error(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{CLIENT}.UPLOAD_TIMEOUT", 0.2)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, fields = await head(reader)
        await reader.readexactly(int(fields["content-length"]))
        await asyncio.sleep(60)

    client = await listen(talk)
    async with asyncio.timeout(5):
        with pytest.raises(NoAnswer, match=r"no answer to /api/display/image within 0\.2 s"):
            await client.upload(DISPLAY_IMAGE, video(b"video"), {"display": "ext1"})
