"""The methods of SmartYard, in the order of the field notes (section 5)."""

from dataclasses import dataclass

# Timeout in seconds of methods that a working server answers at once.
_QUICK = 15.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method: a POST to its path below the base URL.

    Attributes:
        path: Module and method.
        command: The method changes something: it is never repeated if it may have been carried out.
        open: The method requires no token.
        needs: Fields of which the response has at least one; empty if the response may be empty.
        timeout: Timeout in seconds if it is shorter than usual.
    """

    path: str
    command: bool = False
    open: bool = False
    needs: frozenset[str] = frozenset()
    timeout: float | None = None


PING = Endpoint("user/ping")
PHONE_PATTERN = Endpoint("user/phonePattern", open=True)
REQUEST_CODE = Endpoint("user/requestCode", command=True, open=True)
CONFIRM_CODE = Endpoint("user/confirmCode", command=True, open=True)
CHECK_PHONE = Endpoint("user/checkPhone", command=True, open=True)
GET_NAME = Endpoint("user/getName")
NOTIFICATION = Endpoint("user/notification", needs=frozenset({"enable", "money"}), timeout=_QUICK)
SET_NOTIFICATION = Endpoint("user/notification", command=True)
REGISTER_PUSH_TOKEN = Endpoint("user/registerPushToken", command=True)
PUSH_TOKENS = Endpoint("user/pushTokens", needs=frozenset({"pushToken", "voipToken"}))
APP_VERSION = Endpoint("user/appVersion", command=True)

OPTIONS = Endpoint("ext/options")
EXTENSIONS = Endpoint("ext/list")
EXTENSION = Endpoint("ext/ext")

ADDRESSES = Endpoint("address/getAddressList")
SETTINGS = Endpoint("address/getSettingsList")
INTERCOM = Endpoint(
    "address/intercom", needs=frozenset({"allowDoorCode", "doorCode", "CMS", "VoIP", "autoOpen", "whiteRabbit"})
)
SET_INTERCOM = Endpoint("address/intercom", command=True)
OPEN_DOOR = Endpoint("address/openDoor", command=True)
RESET_CODE = Endpoint("address/resetCode", command=True)
LOG_DAYS = Endpoint("address/plogDays")
LOG = Endpoint("address/plog")
TRACK = Endpoint("address/trackEvent", command=True)
UNTRACK = Endpoint("address/untrackEvent", command=True)
TRACKED = Endpoint("address/getTrackedEvents")
# Other names of the previous three methods.
WATCH = Endpoint("address/watch", command=True)
UNWATCH = Endpoint("address/unwatch", command=True)
WATCHING = Endpoint("address/watching")
ACCESS = Endpoint("address/access", command=True)
RESEND = Endpoint("address/resend", command=True)
MODIFY_KEY = Endpoint("address/modifyKey", command=True)
REGISTER_QR = Endpoint("address/registerQR", command=True)
OFFICES = Endpoint("address/offices")
STORIES = Endpoint("address/getStories")

CAMERAS = Endpoint("cctv/all")
CAMERA_TREE = Endpoint("cctv/allTree")
CITY_CAMERAS = Endpoint("cctv/overview")
INTERCOM_CAMERAS = Endpoint("cctv/camMap")
RANGES = Endpoint("cctv/ranges")
PREPARE = Endpoint("cctv/recPrepare", command=True)
DOWNLOAD = Endpoint("cctv/recDownload")
YOUTUBE = Endpoint("cctv/youtube")

UNREAD = Endpoint("inbox/unreaded", needs=frozenset({"count"}), timeout=_QUICK)
INBOX = Endpoint("inbox/inbox", command=True)
READ = Endpoint("inbox/readed", command=True)
DELIVERED = Endpoint("inbox/delivered", command=True)
ALERT = Endpoint("inbox/alert", command=True)
CHAT_READ = Endpoint("inbox/chatReaded", command=True)

SIP_HELP = Endpoint("sip/helpMe")

FACES = Endpoint("frs/listFaces")
LIKE = Endpoint("frs/like", command=True)
DISLIKE = Endpoint("frs/disLike", command=True)
PLATES = Endpoint("lprs/listNumbers")
ADD_PLATE = Endpoint("lprs/addNumber", command=True)
REMOVE_PLATE = Endpoint("lprs/removeNumber", command=True)

# Images and recordings are the only GET requests, and need no token (field notes 3).
CALL_SHOT = "call/camshot/{key}"
CALL_LIVE = "call/live/{key}"
LOG_SHOT = "address/plogCamshot/{key}"
FILM = "cctv/download/{key}"
