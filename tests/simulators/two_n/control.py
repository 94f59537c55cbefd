"""The side channel of a 2N in its own process: the verbs, and what its displays show."""

from typing import override

from aiohttp import web

from tests.simulators.common.control import Control as CommonControl

from .simulator import Simulator

VERBS = (
    # Visitors and residents
    "press", "release", "ring_doorbell", "dial_from_keypad", "dial_from_house", "dial_by_automation",
    "incoming_call", "answer", "connect_call", "terminate",
    "dtmf", "dtmf_sent", "dtmf_pressed", "register",
    "enter_code", "swipe_card", "hold_card", "swipe_finger", "mobile_key_entered", "wave_key", "pair", "silent_alarm",
    "take_access", "enroll_finger", "touch_display",
    # The house
    "set_input", "tamper", "block_switches", "motion", "noise", "door", "unauthorized_door", "door_too_long", "rex",
    "lockdown", "lift_module", "lift_public_floors", "lift_config", "virtual_input", "virtual_output", "user_action",
    # The device itself
    "block_login", "rescue", "error_state", "external_camera", "checking_call", "emit", "fill_log", "advance_clock", "set_time",
    "pass_time",
    "set_audio_result", "set_pcap_size",
    # The installer
    "change_password", "grant", "revoke", "disable", "enable", "require_tls", "set_auth", "renew_certificate",
    "take_licence", "give_licence", "configure_switch", "plug_module", "unplug_module", "rename_entry",
    "disable_access_point", "set_triggers", "set_stream", "automatic_time", "factory_reset",
    # The network
    "lose_connection_silently", "cut_power", "drop_idle", "hold_back",
    "lose_connection", "restore_connection", "drop_network", "reset_connections", "lose_next_pull_response", "reboot",
    "delay", "garbage", "heal", "fault", "overload", "lose_next_answer", "stray_401", "expire_nonces", "clear_requests",
)  # fmt: skip
SETTINGS = frozenset(
    {
        "include_new_bug", "needs_filter", "post_refused", "open_info", "hangup_ignored", "originators", "session_first",
        "strict_empty",
        "nonce_lifetime", "tamper_blocks_switches", "limit_failed_access", "pcap_content_type", "plain_sources",
    }
)  # fmt: skip


class Control(CommonControl):
    """Serves `GET /control/display/<name>` as well."""

    def __init__(self, simulator: Simulator) -> None:
        """Control that simulator."""
        super().__init__(simulator, VERBS, SETTINGS)
        self._displays = simulator.displays

    @override
    def _add_routes(self, app: web.Application) -> None:
        app.router.add_get("/control/display/{name}", self._display)

    async def _display(self, request: web.Request) -> web.Response:
        """Return the content of a display: the bytes of a picture or video as they were uploaded."""
        try:
            shown = self._displays.seen(request.match_info["name"])
        except KeyError:
            raise web.HTTPNotFound from None
        if shown is None:
            return web.Response(status=204)
        return web.Response(body=shown.data, content_type=shown.content_type)
