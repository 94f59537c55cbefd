"""The side channel of a SmartYard server in its own process: the verbs of the common control port."""

from tests.simulators.common.control import Control as CommonControl

from .simulator import Simulator

VERBS = (
    # Visitors
    "ring", "answer", "walk_away", "happen", "support_calls", "book",
    # Those who live there
    "code_of", "call_in", "move_in", "move_out", "message", "text_push", "chat",
    # Pushes
    "push_to", "push_by_service", "stop_pushes", "repeat_push", "set_push_ttl", "late_push", "hostile_push",
    # The operator
    "revoke_tokens", "block_flat", "leave_unpaid", "block_door", "break_door", "rename_door", "disable_log", "break_log",
    "set_log_delay", "set_login_method", "limit_devices", "require_version", "set_option", "finish_films", "order_film", "finish_film",
    "describe_films",
    # Cameras
    "renew_camera_token", "refuse_camera", "set_camera_token_ttl", "make_thumbnails",
    # The server
    "break_server", "refuse", "redirect", "mend_server", "pass_time", "advance_clock", "round_auto_open", "date_replies", "show_any_picture", "shift_auto_open",
    # The network
    "lose_connection_silently", "cut_power", "drop_idle", "hold_back",
    "lose_connection", "restore_connection", "drop_network", "reset_connections", "restart", "delay", "garbage", "heal", "fault", "overload",
    "lose_next_answer",
    "renew_certificate", "restore_certificate", "clear_requests",
)  # fmt: skip


class Control(CommonControl):
    """Serves `POST /control/<verb>`; `GET` of `state` and `requests`."""

    def __init__(self, simulator: Simulator) -> None:
        """Control that simulator."""
        super().__init__(simulator, VERBS)
