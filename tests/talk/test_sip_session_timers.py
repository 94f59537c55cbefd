"""Session timers in both roles and directions (RFC 4028)."""

import asyncio

import pytest

from custom_components.ip_intercom.talk.errors import CallRefused
from custom_components.ip_intercom.talk.sip_agent import CallState, EndReason, SipCall

from .conftest import Pair
from .peer import CallOf, Heard, description

SDP = description(4000)


async def _out(pair: Pair, *headers: str) -> tuple[Heard, CallOf, SipCall]:
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(pair.agent.call("100"))
        invite, dialog = await pair.door.pick_up(SDP, *headers)
    return invite, dialog, calling.result()


async def _in(pair: Pair, *headers: str) -> tuple[Heard, CallOf, SipCall]:
    async with asyncio.TaskGroup() as group:
        dialog = pair.door.invite(SDP, *headers)
        await pair.door.expect("100")
        [call] = pair.calls
        answering = group.create_task(call.answer())
        ok = await pair.door.expect("200")
        pair.door.acknowledge(dialog, ok)
        await answering
    return ok, dialog, call


async def _ends(pair: Pair, call: SipCall, reason: EndReason) -> None:
    """The agent hangs up."""
    pair.door.reply(await pair.door.until("BYE"), "200 OK")
    assert call.end_reason is reason


async def test_a_call_asks_for_a_timer(pair: Pair) -> None:
    invite, _, call = await _out(pair)
    assert invite["session-expires"] == "1800"
    assert invite["min-se"] == "90"
    assert "timer" in invite["supported"]
    # The door knows none: nothing is refreshed.
    await pair.door.silence(4000)
    assert call.state is CallState.ESTABLISHED


async def test_this_side_refreshes_by_update(pair: Pair) -> None:
    begun = asyncio.get_running_loop().time()
    _, _, call = await _out(pair, "Session-Expires: 120;refresher=uac", "Require: timer", "Allow: INVITE, UPDATE")
    for round_ in (1, 2, 3):
        update = await pair.door.expect("UPDATE")
        assert asyncio.get_running_loop().time() - begun == pytest.approx(60 * round_, abs=1)
        assert update["session-expires"] == "120;refresher=uac"
        assert update.body == ""
        pair.door.reply(update, "200 OK", "Session-Expires: 120;refresher=uac")
    assert call.state is CallState.ESTABLISHED


async def test_this_side_refreshes_by_invite(pair: Pair) -> None:
    invite, _, call = await _out(pair, "Session-Expires: 120;refresher=uac")
    again = await pair.door.expect("INVITE")
    assert again.body.replace("\r\n", "\n") == invite.body.replace("\r\n", "\n")
    assert (again["to"], again.number) == (f"{invite['to']};tag=door1", invite.number + 1 + pair.door.checks)
    pair.door.reply(again, "200 OK", "Session-Expires: 120;refresher=uac", body=SDP)
    assert (await pair.door.expect("ACK")).number == again.number
    # A repeated answer gets another ACK.
    pair.door.reply(again, "200 OK", "Session-Expires: 120;refresher=uac", body=SDP)
    assert (await pair.door.expect("ACK")).number == again.number
    assert call.state is CallState.ESTABLISHED


async def test_a_refresh_answer_without_a_common_codec_is_ignored(pair: Pair) -> None:
    _, _, call = await _out(pair, "Session-Expires: 120;refresher=uac")
    again = await pair.door.expect("INVITE")
    pair.door.reply(again, "200 OK", "Session-Expires: 120;refresher=uac", body=description(4000, "18"))
    await pair.door.expect("ACK")
    assert call.state is CallState.ESTABLISHED
    assert call.codec.name == "PCMU"


async def test_an_offer_during_the_refresh_is_put_off(pair: Pair) -> None:
    _, dialog, _ = await _out(pair, "Session-Expires: 120;refresher=uac")
    again = await pair.door.expect("INVITE")
    pair.door.request("INVITE", dialog, body=SDP)
    await pair.door.expect("491")
    pair.door.reply(again, "200 OK", "Session-Expires: 120;refresher=uac", body=SDP)
    await pair.door.until("ACK")


@pytest.mark.parametrize("status", ["408 Request Timeout", "481 Gone"])
async def test_a_call_unknown_to_the_door_ends(pair: Pair, status: str) -> None:
    _, _, call = await _out(pair, "Session-Expires: 120;refresher=uac", "Allow: UPDATE")
    pair.door.reply(await pair.door.expect("UPDATE"), status)
    await _ends(pair, call, EndReason.FAILED)


async def test_a_refresh_without_a_response_ends_the_call(pair: Pair) -> None:
    _, _, call = await _out(pair, "Session-Expires: 300;refresher=uac", "Allow: UPDATE")
    await _ends(pair, call, EndReason.FAILED)


async def test_a_refused_refresh_ends_the_call_when_it_expires(pair: Pair) -> None:
    begun = asyncio.get_running_loop().time()
    _, _, call = await _out(pair, "Session-Expires: 120;refresher=uac", "Allow: UPDATE")
    pair.door.reply(await pair.door.expect("UPDATE"), "500 Error")
    await _ends(pair, call, EndReason.EXPIRED)
    assert asyncio.get_running_loop().time() - begun == pytest.approx(120 - 32, abs=2)


async def test_a_refresh_that_crosses_another_is_repeated(pair: Pair) -> None:
    _, _, call = await _out(pair, "Session-Expires: 120;refresher=uac", "Allow: UPDATE")
    pair.door.reply(await pair.door.expect("UPDATE"), "491 Pending")
    begun = asyncio.get_running_loop().time()
    update = await pair.door.expect("UPDATE")
    assert 2 < asyncio.get_running_loop().time() - begun < 5
    pair.door.reply(update, "200 OK", "Session-Expires: 120;refresher=uac")
    await asyncio.sleep(1)
    assert call.state is CallState.ESTABLISHED


async def test_a_refresh_that_waits_ends_with_the_call(pair: Pair) -> None:
    _, dialog, call = await _out(pair, "Session-Expires: 120;refresher=uac", "Allow: UPDATE")
    pair.door.reply(await pair.door.expect("UPDATE"), "491 Pending")
    await asyncio.sleep(0.1)
    pair.door.request("BYE", dialog)
    await pair.door.expect("200")
    await pair.door.silence(10)
    assert call.end_reason is EndReason.REMOTE


async def test_a_refresh_takes_a_longer_interval(pair: Pair) -> None:
    await _out(pair, "Session-Expires: 120;refresher=uac", "Allow: UPDATE")
    pair.door.reply(await pair.door.expect("UPDATE"), "422 Too Small", "Min-SE: 300")
    assert (await pair.door.expect("UPDATE"))["session-expires"] == "300;refresher=uac"


async def test_the_door_has_to_refresh(pair: Pair) -> None:
    _, dialog, call = await _out(pair, "Session-Expires: 120;refresher=uas")
    await asyncio.sleep(60)
    pair.door.request("UPDATE", dialog, "Session-Expires: 120;refresher=uac", "Supported: timer")
    ok = await pair.door.expect("200")
    assert ok["session-expires"] == "120;refresher=uac"
    assert ok["require"] == "timer"
    await asyncio.sleep(60)
    assert call.state is CallState.ESTABLISHED
    await _ends(pair, call, EndReason.EXPIRED)


async def test_a_call_requests_a_longer_interval_once(pair: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(_refused(pair))
        invite = await pair.door.expect("INVITE")
        pair.door.reply(invite, "422 Session Interval Too Small", "Min-SE: 3600")
        await pair.door.expect("ACK")
        again = await pair.door.expect("INVITE")
        assert (again["session-expires"], again["min-se"]) == ("3600", "3600")
        assert again.number == invite.number + 1
        pair.door.reply(again, "422 Session Interval Too Small", "Min-SE: 7200")
        await pair.door.expect("ACK")
        assert await calling == 422


async def _refused(pair: Pair) -> int:
    with pytest.raises(CallRefused) as caught:
        await pair.agent.call("100")
    return caught.value.status


@pytest.mark.parametrize(
    ("headers", "answer", "required"),
    [
        (("Session-Expires: 120;refresher=uas", "Supported: timer"), "120;refresher=uas", None),
        (("Session-Expires: 120;refresher=uac", "Supported: timer"), "120;refresher=uac", "timer"),
        (("x: 120", "k: timer"), "120;refresher=uac", "timer"),
        # The caller knows no timers, so this side has to refresh; a longer interval cannot be sent to it.
        (("Session-Expires: 120",), "120;refresher=uas", None),
        (("Session-Expires: 5",), "30;refresher=uas", None),
        (("Session-Expires: nonsense", "Supported: timer"), None, None),
        (("Supported: timer",), None, None),
    ],
)
async def test_the_caller_asks_for_a_timer(
    pair: Pair, headers: tuple[str, ...], answer: str | None, required: str | None
) -> None:
    ok, _, _ = await _in(pair, *headers)
    assert (ok.get("session-expires"), ok.get("require")) == (answer, required)


async def test_this_side_refreshes_a_call_that_it_took(pair: Pair) -> None:
    _, _, call = await _in(pair, "Session-Expires: 120;refresher=uas", "Supported: timer", "Allow: INVITE, UPDATE")
    begun = asyncio.get_running_loop().time()
    update = await pair.door.expect("UPDATE")
    assert asyncio.get_running_loop().time() - begun == pytest.approx(60, abs=1)
    pair.door.reply(update, "491 Pending")
    # The one that was called waits for less than the other.
    pair.door.reply(await pair.door.expect("UPDATE"), "200 OK", "Session-Expires: 120;refresher=uac")
    assert asyncio.get_running_loop().time() - begun < 63
    assert call.state is CallState.ESTABLISHED


async def test_the_caller_has_to_refresh(pair: Pair) -> None:
    _, _, call = await _in(pair, "Session-Expires: 120;refresher=uac", "Supported: timer")
    await _ends(pair, call, EndReason.EXPIRED)


async def test_a_refresh_may_not_shorten_the_interval_below_the_least(pair: Pair) -> None:
    _, dialog, call = await _in(pair, "Session-Expires: 120;refresher=uac", "Supported: timer")
    pair.door.request("UPDATE", dialog, "Session-Expires: 30", "Supported: timer")
    assert (await pair.door.expect("422"))["min-se"] == "90"
    assert call.state is CallState.ESTABLISHED
