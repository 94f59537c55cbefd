"""The side channel of an Akuvox in its own process: the verbs of the common control port."""

from tests.simulators.common.control import Control as CommonControl

from .simulator import Simulator

VERBS = (
    # Visitors and residents
    "press", "call_answered", "call_ended", "incoming_call", "dtmf", "enter_code", "swipe_card", "show_face",
    # The house
    "input", "tamper", "break_in", "relay_status", "stick_relay",
    # The installer
    "configure", "set_auth", "enable_api", "change_password", "set_whitelist", "allow_http_open", "set_high_security",
    "wire", "add_user", "register", "trust_certificates", "fill_door_log", "fill_call_log", "break_snapshots",
    "set_log_size", "advance_clock", "factory_reset", "renew_certificate",
    # The network
    "lose_connection_silently", "cut_power", "drop_idle", "hold_back",
    "lose_connection", "restore_connection", "drop_network", "reset_connections", "reboot", "delay", "garbage", "heal", "fault", "overload",
    "stray_401", "withhold", "lose_next_answer", "expire_nonces", "clear_requests",
)  # fmt: skip


class Control(CommonControl):
    """Serves `POST /control/<verb>`; `GET` of `state` and `requests`."""

    def __init__(self, simulator: Simulator) -> None:
        """Control that simulator."""
        super().__init__(simulator, VERBS)
