"""Polling of jobs, with a clock of the test."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from math import inf

import pytest

from custom_components.ip_intercom.systems.common.errors import (
    AuthenticationFailed,
    CommandFailed,
    ConnectionFailed,
    ExchangeUnreachable,
    IntercomError,
    NoAnswer,
    NotReached,
    NotSupported,
    Overloaded,
    ServerBroken,
    ServerSilent,
    Throttled,
    UnexpectedReply,
)
from custom_components.ip_intercom.systems.common.poller import Poller, PollJob

INTERVAL = 10.0
LONGEST = 100.0


async def settle() -> None:
    """Let everything happen that does not wait for the clock."""
    for _ in range(10):
        await asyncio.sleep(0)


class Server:
    """A polled server: the mail and the log always, the calls while there are some."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.has_calls = False
        self.taken: list[str] = []
        self.errors: dict[str, Exception] = {}
        self.slow: dict[str, asyncio.Event] = {}
        self.wake = asyncio.Event()
        self.poller = Poller(
            {
                "calls": self._look("calls", lambda: self.has_calls),
                "mail": self._look("mail"),
                "log": self._look("log"),
            },
            self.wake,
            lambda: self.now,
            longest=LONGEST,
        )

    def _look(self, name: str, wanted: Callable[[], bool] | None = None) -> PollJob:
        async def take() -> None:
            self.taken.append(name)
            if name in self.slow:
                await self.slow[name].wait()
            if name in self.errors:
                raise self.errors[name]

        return PollJob(take, lambda: INTERVAL, wanted)

    async def turn(self) -> tuple[list[str], bool]:
        """Run the due jobs; return them, and whether the server is available again."""
        self.taken.clear()
        self.poller.start()
        await settle()
        back = self.poller.finish()
        return sorted(self.taken), back

    async def fail(self, name: str, error: IntercomError) -> None:
        """Let a job fail so that the server counts as unreachable."""
        self.errors[name] = error
        with pytest.raises(type(error)):
            await self.turn()


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    """A server that was not polled yet."""
    server = Server()
    yield server
    await server.poller.close()


async def test_jobs_run_when_they_are_due(server: Server) -> None:
    assert await server.turn() == (["log", "mail"], False)
    assert await server.turn() == ([], False)
    server.now += INTERVAL - 1
    assert await server.turn() == ([], False)
    server.now += 1
    assert await server.turn() == (["log", "mail"], False)


async def test_a_conditional_job_runs_only_while_it_is_needed(server: Server) -> None:
    assert await server.turn() == (["log", "mail"], False)
    assert server.poller.settled, "the poller is settled without the conditional job"
    server.has_calls = True
    assert await server.turn() == (["calls"], False)
    server.has_calls = False
    server.now += INTERVAL
    assert await server.turn() == (["log", "mail"], False)


async def test_a_running_job_is_not_started_again(server: Server) -> None:
    server.slow["log"] = asyncio.Event()
    assert await server.turn() == (["log", "mail"], False)
    assert not server.poller.settled
    server.now += INTERVAL
    assert await server.turn() == (["mail"], False)
    server.slow.pop("log").set()
    assert await server.turn() == ([], False)
    assert server.poller.settled


async def test_a_job_can_be_run_early(server: Server) -> None:
    await server.turn()
    server.poller.soon("log", delay=3)
    server.poller.soon("mail", pause=4)
    server.poller.soon("mail", delay=9)  # later than what was asked for before
    server.now += 2
    assert await server.turn() == ([], False)
    server.now += 1
    assert await server.turn() == (["log"], False)
    server.now += 1
    assert await server.turn() == (["mail"], False)
    server.now += 5
    server.poller.soon("mail", pause=4)
    assert await server.turn() == (["mail"], False)


async def test_a_job_requested_while_it_runs_runs_again(server: Server) -> None:
    server.slow["log"] = asyncio.Event()
    await server.turn()
    server.poller.soon("log")
    assert await server.turn() == ([], False), "a job runs once at a time"
    server.slow.pop("log").set()
    await server.turn()
    assert await server.turn() == (["log"], False)


REFUSALS = [CommandFailed("no"), NotSupported("no")]
SILENCES = [ConnectionFailed("reset"), NoAnswer("hangs"), ServerBroken("500"), UnexpectedReply("a page")]
BUSY = [Overloaded("503"), Throttled("429")]


@pytest.mark.parametrize("error", [*REFUSALS, *SILENCES, *BUSY])
async def test_a_failing_job_leaves_the_others(server: Server, error: IntercomError) -> None:
    await server.turn()
    server.errors["log"] = error
    server.now += INTERVAL
    assert await server.turn() == (["log", "mail"], False)
    assert server.poller.settled, "a failed job counts as read"
    # Whether it fails alone, another shows at once; a server that is busy is left alone.
    assert await server.turn() == (["mail"] if error in SILENCES else [], False)
    assert not server.poller.interrupted


@pytest.mark.parametrize("error", [*REFUSALS, *SILENCES])
async def test_a_job_that_succeeded_before_keeps_its_interval_on_failure(server: Server, error: IntercomError) -> None:
    await server.turn()
    server.errors["log"] = error
    for _ in range(8):
        server.now += INTERVAL - 1
        assert "log" not in (await server.turn())[0]
        server.now += 1
        assert "log" in (await server.turn())[0]


@pytest.mark.parametrize("error", [*REFUSALS, *BUSY])
async def test_rejected_and_busy_jobs_back_off(server: Server, error: IntercomError) -> None:
    server.errors["log"] = error
    await server.turn()
    for wait in (10, 20, 40, 80, LONGEST, LONGEST):
        server.now += wait - 1
        assert "log" not in (await server.turn())[0], wait
        server.now += 1
        assert "log" in (await server.turn())[0], wait
    del server.errors["log"]
    server.now += LONGEST
    assert "log" in (await server.turn())[0]
    server.now += INTERVAL
    assert "log" in (await server.turn())[0], "the interval is the normal one again"


@pytest.mark.parametrize("error", [*REFUSALS, *SILENCES])
async def test_a_failing_job_can_be_run_early(server: Server, error: IntercomError) -> None:
    await server.turn()
    server.errors["log"] = error
    server.now += INTERVAL
    await server.turn()
    await server.turn()
    server.poller.soon("log", delay=1)
    assert "log" not in (await server.turn())[0]
    server.now += 1
    assert await server.turn() == (["log"], False)


async def test_a_job_requested_during_its_failing_run_runs_again(server: Server) -> None:
    await server.turn()
    server.slow["log"] = asyncio.Event()
    server.errors["log"] = NoAnswer("hangs")
    server.now += INTERVAL
    await server.turn()
    server.poller.soon("log", delay=1)
    server.slow.pop("log").set()
    await server.turn()
    server.now += 1
    assert "log" in (await server.turn())[0]


@pytest.mark.parametrize("kind", [Overloaded, Throttled])
async def test_a_job_of_a_busy_server_is_not_run_early(server: Server, kind: type[IntercomError]) -> None:
    await server.turn()
    server.errors["log"] = kind("busy")
    server.errors["log"].retry_after = 50  # type: ignore[attr-defined]  # it is one of ours
    server.now += INTERVAL
    await server.turn()
    server.poller.soon("log")
    server.now += 49
    assert "log" not in (await server.turn())[0]
    server.now += 1
    assert "log" in (await server.turn())[0]


AWAY = [NotReached("gone"), ExchangeUnreachable("gone"), AuthenticationFailed("who?")]


@pytest.mark.parametrize("error", AWAY)
async def test_an_unreachable_server_gets_one_job_at_a_time(server: Server, error: IntercomError) -> None:
    await server.turn()
    server.has_calls = True
    server.now += INTERVAL
    await server.fail("mail", error)
    server.poller.soon("log", delay=1)
    assert server.poller.interrupted
    assert not server.poller.settled
    # The one that is due first, whether or not it is due; it answers.
    assert await server.turn() == (["log"], True)
    assert server.poller.settled


async def test_each_failed_attempt_at_an_unreachable_server_raises(server: Server) -> None:
    server.errors["mail"] = NotReached("gone")
    await server.fail("log", NotReached("gone"))
    for _ in range(3):
        with pytest.raises(NotReached):
            await server.turn()
        assert len(server.taken) == 1
        assert server.poller.interrupted


async def outage(server: Server, probes: int = 8) -> None:
    """Make the server unreachable for the given attempts and some time."""
    server.errors["mail"] = NotReached("gone")
    await server.fail("log", NotReached("gone"))
    for _ in range(probes):
        server.now += 5
        with pytest.raises(NotReached):
            await server.turn()
    server.errors.clear()


async def test_all_jobs_run_within_two_seconds_after_an_outage(server: Server) -> None:
    await server.turn()
    server.has_calls = True
    server.now += INTERVAL
    await outage(server)
    (probe,), back = await server.turn()
    assert back
    taken = [await server.turn()]
    assert taken == [(["calls"], False)], "only the calls are read first"
    server.now += 2
    assert await server.turn() == (sorted({"log", "mail"} - {probe}), False)


async def test_a_failing_job_is_still_failing_after_an_outage(server: Server) -> None:
    server.errors["log"] = NoAnswer("hangs")
    for _ in range(2):
        await server.turn()
        server.now += INTERVAL
    assert server.poller.failing == {"log"}
    await outage(server)
    server.errors["log"] = NoAnswer("hangs")
    for _ in range(3):
        server.now += INTERVAL
        with suppress(NoAnswer):
            await server.turn()
    assert server.poller.failing == {"log"}


async def test_a_cached_answer_does_not_end_an_outage(server: Server) -> None:
    server.poller._jobs["calls"].proves = False
    server.errors = {"mail": NoAnswer("hangs")}
    await server.fail("log", NoAnswer("hangs"))
    answers = server.poller.answers
    server.slow["calls"] = asyncio.Event()
    asked = asyncio.create_task(server.poller.now("calls"))
    await settle()
    server.slow.pop("calls").set()
    assert await server.turn() == ([], False)
    await asked
    assert server.poller.interrupted
    assert server.poller.answers == answers


async def test_no_second_job_runs_at_an_unreachable_server(server: Server) -> None:
    server.slow["mail"] = asyncio.Event()
    await server.fail("log", NotReached("gone"))
    assert await server.turn() == (["mail"], False)
    assert await server.turn() == ([], False)
    server.slow.pop("mail").set()
    assert await server.turn() == ([], True)


# -- a server that says nothing --------------------------------------------------------------------


@pytest.fixture
async def silent(server: Server) -> Server:
    """A server that works until `errors` or `slow` are set, with a probe that fails in the same way."""

    async def probe() -> None:
        await server.poller._jobs["probe"].poll()

    server.poller._jobs = {**server.poller._jobs, "probe": server._look("probe", lambda: False)}
    server.poller._probe = probe
    await server.turn()
    server.now += INTERVAL
    return server


async def test_a_silent_server_is_unreachable_though_a_job_runs(silent: Server) -> None:
    silent.errors = {"mail": NoAnswer("hangs"), "probe": NoAnswer("hangs")}
    silent.slow["log"] = asyncio.Event()
    await silent.turn()
    with pytest.raises(ServerSilent):
        await silent.turn()
    assert silent.poller.interrupted
    assert silent.taken.count("log") == 0


@pytest.mark.parametrize("answer", [None, CommandFailed("no"), UnexpectedReply("a page"), ExchangeUnreachable("gone")])
async def test_an_answered_probe_means_that_only_the_job_fails(silent: Server, answer: IntercomError | None) -> None:
    silent.errors = {"mail": NoAnswer("hangs")}
    if answer is not None:
        silent.errors["probe"] = answer
    silent.slow["log"] = asyncio.Event()
    for _ in range(3):
        await silent.turn()
    assert not silent.poller.interrupted
    assert silent.poller.fails("mail")


async def test_a_job_answered_during_the_probe_outweighs_it(silent: Server) -> None:
    silent.errors = {"mail": NoAnswer("hangs"), "probe": NoAnswer("hangs")}
    silent.slow["probe"] = asyncio.Event()
    await silent.turn()
    silent.poller.soon("log")
    assert await silent.turn() == (["log", "probe"], False)
    silent.slow.pop("probe").set()
    await silent.turn()
    assert not silent.poller.interrupted


async def test_a_running_job_is_canceled_by_an_outage_and_repeated(silent: Server) -> None:
    silent.slow["log"] = asyncio.Event()
    await silent.fail("mail", NotReached("gone"))
    silent.slow.clear()
    silent.errors.clear()
    assert await silent.turn() == (["log"], True)
    assert await silent.turn() == (["mail"], False)


async def test_waiting_for_a_canceled_job_raises(silent: Server) -> None:
    silent.slow["log"] = asyncio.Event()
    asked = asyncio.create_task(silent.poller.now("log"))
    await settle()
    await silent.fail("mail", NotReached("gone"))
    with pytest.raises(NoAnswer, match="canceled"):
        await asked


@pytest.mark.parametrize("cause", [NotReached, ExchangeUnreachable])
async def test_a_hanging_attempt_at_an_unreachable_server_raises_its_error(
    silent: Server, cause: type[IntercomError]
) -> None:
    """A request sent before the return of the server may never be answered."""
    await silent.fail("mail", cause("gone"))
    silent.errors.clear()
    silent.slow = {"log": asyncio.Event(), "mail": asyncio.Event()}

    async def attempts() -> None:
        while True:
            silent.poller.start()
            await silent.poller.wait()
            silent.poller.finish()

    with pytest.raises(cause, match="gone"):
        await attempts()
    silent.slow.clear()
    assert (await silent.turn())[1]


async def test_a_recovered_job_retries_the_other_failed_jobs(server: Server) -> None:
    await server.turn()
    server.errors = dict.fromkeys(("log", "mail"), CommandFailed("operationalErrors"))
    server.now += INTERVAL
    await server.turn()
    server.poller.soon("log")
    await server.turn()
    server.errors.clear()
    server.poller.soon("mail")
    assert await server.turn() == (["mail"], False)
    assert await server.turn() == (["log"], False), "the requested job runs before its interval ends"


async def test_any_answer_ends_an_outage_by_a_rejected_account(server: Server) -> None:
    server.errors["mail"] = AuthenticationFailed("who?")
    await server.fail("log", AuthenticationFailed("who?"))
    with pytest.raises(AuthenticationFailed):
        await server.turn()
    server.errors = dict.fromkeys(server.errors, CommandFailed("no"))
    assert (await server.turn())[1], "a rejected command is a response of the server"


@pytest.mark.parametrize("error", [*SILENCES, *BUSY])
async def test_a_server_with_only_failing_jobs_is_unreachable(server: Server, error: IntercomError) -> None:
    server.has_calls = True
    server.errors = {"log": error}
    assert await server.turn() == (["calls", "log", "mail"], False)
    server.now += INTERVAL
    # Calls do not count: as a rule there are none.
    await server.fail("mail", error)
    assert server.poller.interrupted
    # The same error is no sign that it is back.
    with pytest.raises(type(error)):
        await server.turn()
    assert server.poller.interrupted


async def test_an_outage_is_detected_by_the_first_failing_job(server: Server) -> None:
    await server.turn()
    server.errors = dict.fromkeys(("log", "mail"), ServerBroken("500"))
    server.poller.soon("log")
    assert await server.turn() == (["log"], False)
    with pytest.raises(ServerBroken):
        await server.turn()


# -- what fails alone ------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [*SILENCES, *BUSY])
async def test_a_job_that_fails_repeatedly_is_listed_as_failing(server: Server, error: IntercomError) -> None:
    server.errors = {"log": error}
    await server.turn()
    assert server.poller.failing == frozenset(), "one failure is not listed"
    server.now += INTERVAL
    await server.turn()
    assert server.poller.failing == {"log"}
    server.errors = {}
    server.now += LONGEST
    await server.turn()
    assert server.poller.failing == frozenset()


@pytest.mark.parametrize("error", REFUSALS)
async def test_an_unsupported_job_is_not_listed_as_failing(server: Server, error: IntercomError) -> None:
    server.errors = {"log": error}
    for _ in range(4):
        await server.turn()
        server.now += LONGEST
    assert server.poller.failing == frozenset()
    server.errors = {}
    await server.turn()
    server.errors = {"log": error}
    for _ in range(2):
        server.now += LONGEST
        await server.turn()
    assert server.poller.failing == {"log"}


async def test_no_job_is_listed_as_failing_during_an_outage(server: Server) -> None:
    server.errors = {"log": NoAnswer("hangs")}
    for _ in range(4):
        await server.turn()
        server.now += INTERVAL
    assert server.poller.failing == {"log"}
    await server.fail("mail", NotReached("gone"))
    assert server.poller.failing == frozenset()


async def test_a_conditional_job_is_failing_only_while_it_is_needed(server: Server) -> None:
    server.errors = {"calls": NoAnswer("hangs")}
    server.has_calls = True
    for _ in range(2):
        await server.turn()
        server.now += INTERVAL
    assert server.poller.failing == {"calls"}
    server.has_calls = False
    assert server.poller.failing == frozenset()


async def test_retry_failed_runs_failing_jobs_at_once(server: Server) -> None:
    server.errors = {"log": NoAnswer("hangs")}
    for _ in range(4):
        await server.turn()
        server.now += INTERVAL
    await server.turn()
    server.errors = {}
    assert await server.turn() == ([], False)
    server.poller.retry_failed()
    assert await server.turn() == (["log"], False)
    assert server.poller.failing == frozenset()


async def test_an_unexpected_error_is_raised(server: Server) -> None:
    server.errors["log"] = ZeroDivisionError("ours")
    with pytest.raises(ZeroDivisionError):
        await server.turn()
    assert not server.poller.interrupted


async def test_a_job_can_be_run_now(server: Server) -> None:
    assert server.poller.age("log") == inf
    await server.poller.now("log")
    server.now += 3
    assert server.poller.age("log") == 3
    assert await server.turn() == (["mail"], False), "the log is not read again at once"
    server.errors["log"] = CommandFailed("no")
    with pytest.raises(CommandFailed):
        await server.poller.now("log")
    assert server.poller.age("log") == 3
    assert not server.poller.interrupted


async def test_a_job_continues_after_its_waiter_is_canceled(server: Server) -> None:
    server.slow["log"] = asyncio.Event()
    for _ in range(2):
        asking = asyncio.create_task(server.poller.now("log"))
        await settle()
        asking.cancel()
        await settle()
        assert asking.cancelled()
    assert server.taken == ["log"], "the job starts once"
    assert await server.turn() == (["mail"], False)
    assert server.poller.age("log") == inf
    server.slow.pop("log").set()
    await server.poller.now("log")
    assert server.poller.age("log") == 0


async def test_waiting_for_a_job_raises_when_the_poller_closes(server: Server) -> None:
    server.slow["log"] = asyncio.Event()
    asking = asyncio.create_task(server.poller.now("log"))
    await settle()
    assert server.taken == ["log"]
    await server.poller.close()
    with pytest.raises(NoAnswer):
        await asking
    server.slow.clear()
    assert await server.turn() == (["log", "mail"], False), "the interrupted job starts again"


@asynccontextmanager
async def waiting(server: Server, *moments: float) -> AsyncGenerator[asyncio.Task[None]]:
    """Wait in the background until only the clock is awaited."""
    task = asyncio.create_task(server.poller.wait(*moments))
    await settle()
    yield task
    task.cancel()


async def test_waiting_ends_with_the_first_due_job_wake_up_or_time(server: Server) -> None:
    async with waiting(server) as task:
        assert task.done(), "a job is due"
    await server.turn()
    server.wake.clear()
    async with waiting(server, server.now + 1) as task:
        assert not task.done()
        server.wake.set()
        await settle()
        assert task.done()
        assert not server.wake.is_set()
    async with waiting(server, inf, server.now) as task:
        assert task.done(), "the given time has come"
    async with waiting(server) as task:
        assert not task.done()
        server.poller.soon("log")
        await settle()
        assert task.done(), "a job was requested"


async def test_waiting_ends_when_a_job_ends(server: Server) -> None:
    server.slow["log"] = asyncio.Event()
    await server.turn()
    server.wake.clear()
    async with waiting(server) as task:
        assert not task.done()
        server.slow.pop("log").set()
        await settle()
        assert task.done()


async def test_due_jobs_of_an_unreachable_server_do_not_end_the_waiting(server: Server) -> None:
    await server.turn()
    server.now += INTERVAL
    await server.fail("log", NotReached("gone"))
    server.now += INTERVAL
    server.wake.clear()
    async with waiting(server) as task:
        assert not task.done(), "jobs do not end the wait during an outage"
    async with waiting(server, server.now) as task:
        assert task.done(), "the given time ends the wait during an outage"
