"""The side channel of an MX Proxy in its own process: the verbs of the common control port."""

from tests.simulators.common.control import Control as CommonControl

from .simulator import Simulator

VERBS = (
    # Callers and the user
    "incoming_call", "hang_up", "leave_voicemail", "pick_up", "dial", "hold", "retrieve",
    # The administrator
    "add_user", "change_password", "provision", "accept_password", "set_secret", "set_token_ttl", "expire_tokens",
    "rotate_key", "document_logout", "allow_app", "allow_topic", "push_to", "repeat_push", "fill_log", "book",
    "clear_everything", "advance_clock",
    # The link to the MX
    "drop_link", "break_mx", "silence_mx", "mend_mx", "set_patience", "set_reconnect", "ignore", "lose_reply", "empty_reply", "refuse",
    # The network
    "lose_connection_silently", "cut_power", "drop_idle", "hold_back",
    "lose_connection", "restore_connection", "drop_network", "reset_connections", "restart", "delay", "garbage", "heal", "fault", "overload",
    "lose_next_answer",
    "renew_certificate", "clear_requests",
)  # fmt: skip


class Control(CommonControl):
    """Serves `POST /control/<verb>`; `GET` of `state` and `requests`."""

    def __init__(self, simulator: Simulator) -> None:
        """Control that simulator."""
        super().__init__(simulator, VERBS)
