"""Short forms of the proofs with real programs, where those are installed or unpacked (``scripts/talk``)."""

from collections.abc import Awaitable, Callable
from random import Random

import pytest

from .proof import baresip, sipp
from .proof.programs import command

needs_sipp = pytest.mark.skipif(command("sipp") is None, reason="sipp is not there: scripts/talk sipp unpacks it")


@needs_sipp
@pytest.mark.real_time
@pytest.mark.parametrize(
    "proof", [sipp.call_in, sipp.canceled_in, sipp.canceled_out, sipp.login], ids=lambda proof: proof.__name__
)
async def test_calls_with_sipp(socket_enabled: None, proof: Callable[[], Awaitable[None]]) -> None:
    await proof()


def test_mu_law_codes_match_the_g711_table() -> None:
    # G.711, table 2: the loudest samples and silence.
    assert [baresip.ulaw(sample) for sample in (0, -1, 32_767, -32_768)] == [0xFF, 0x7F, 0x80, 0x00]
    assert all(baresip.ulaw(baresip.linear(code)) == code for code in range(256) if code != 0x7F)


def test_a_tone_is_recognized() -> None:
    samples = [baresip.linear(code) for code in b"".join(baresip.tone(1000))]
    assert baresip.share(samples, 1000) > 0.99
    assert baresip.share(samples, 440) < 0.01
    random = Random(1)
    assert baresip.share([random.randrange(-9000, 9000) for _ in range(8000)], 1000) < 0.01
    assert baresip.share([0] * 100, 1000) == 0
