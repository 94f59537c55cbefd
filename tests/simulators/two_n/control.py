"""The side channel of a simulator in its own process: HTTP and JSON, one verb per method of `Simulator`."""

from dataclasses import asdict
import inspect
import json
from typing import Any

from aiohttp import web

from .simulator import Simulator

VERBS = (
    # Visitors and residents
    "press", "release", "ring_doorbell", "dial_from_keypad", "incoming_call", "answer", "connect_call", "terminate",
    "dtmf", "dtmf_sent", "dtmf_pressed", "register",
    "enter_code", "swipe_card", "hold_card", "swipe_finger", "mobile_key_entered", "wave_key", "pair", "silent_alarm",
    "take_access", "enroll_finger", "touch_display",
    # The house
    "set_input", "tamper", "block_switches", "motion", "noise", "door", "unauthorized_door", "door_too_long", "rex",
    "lockdown", "lift_module", "lift_public_floors", "lift_config", "virtual_input", "virtual_output", "user_action",
    # The device itself
    "block_login", "rescue", "error_state", "external_camera", "checking_call", "emit", "advance_clock", "set_time",
    "set_audio_result", "set_pcap_size",
    # The installer
    "change_password", "grant", "revoke", "disable", "enable", "require_tls", "set_auth", "renew_certificate",
    "take_licence", "give_licence", "configure_switch", "plug_module", "unplug_module", "rename_entry",
    "disable_access_point", "set_triggers", "automatic_time", "factory_reset",
    # The network
    "lose_connection", "restore_connection", "drop_network", "reset_connections", "lose_next_pull_response", "reboot",
    "delay", "garbage", "heal", "stray_401", "expire_nonces", "clear_requests",
)  # fmt: skip
SETTINGS = frozenset(
    {
        "include_new_bug", "needs_filter", "post_refused", "open_info", "hangup_ignored", "strict_empty",
        "nonce_lifetime", "tamper_blocks_switches", "limit_failed_access", "pcap_content_type",
    }
)  # fmt: skip


class Control:
    """Serves `POST /control/<verb>` and `POST /control/set`; `GET` of `state`, `requests` and `display/<name>`."""

    def __init__(self, simulator: Simulator) -> None:
        """Control that simulator."""
        self._simulator = simulator
        self._runner: web.AppRunner | None = None
        self.address = ""

    async def start(self, port: int) -> None:
        """Listen on 127.0.0.1."""
        app = web.Application()
        app.router.add_post("/control/{verb}", self._verb)
        app.router.add_get("/control/state", self._state)
        app.router.add_get("/control/requests", self._requests)
        app.router.add_get("/control/display/{name}", self._display)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        host, bound = self._runner.addresses[0][:2]
        self.address = f"{host}:{bound}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _verb(self, request: web.Request) -> web.Response:
        verb = request.match_info["verb"]
        try:
            arguments = json.loads(await request.text() or "{}")
            result = await self._do(verb, arguments)
        except (KeyError, TypeError, ValueError) as error:
            return web.json_response({"success": False, "error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response({"success": True, "result": result})

    async def _do(self, verb: str, arguments: dict[str, Any]) -> object:
        if verb == "set":
            for name, value in arguments.items():
                if name not in SETTINGS:
                    raise KeyError(name)
                setattr(self._simulator, name, value)
            return None
        if verb not in VERBS:
            raise KeyError(verb)
        result = getattr(self._simulator, verb)(**arguments)
        if inspect.isawaitable(result):
            result = await result
        return result

    async def _state(self, _: web.Request) -> web.Response:
        return web.json_response(self._simulator.state())

    async def _requests(self, _: web.Request) -> web.Response:
        return web.json_response([asdict(request) for request in self._simulator.requests])

    async def _display(self, request: web.Request) -> web.Response:
        """Give what is to be seen on a display: the bytes of a picture or video as they were uploaded."""
        try:
            shown = self._simulator.displays.seen(request.match_info["name"])
        except KeyError:
            raise web.HTTPNotFound from None
        if shown is None:
            return web.Response(status=204)
        return web.Response(body=shown.data, content_type=shown.content_type)
