"""Secrets of an Akuvox: fields of its lists, and keys of its configuration."""

import re

# PIN, card, key, Bluetooth and QR codes, and URLs of face pictures (Api user, Api privatekey, Api rfkey).
SECRET_FIELDS = frozenset({"PrivatePIN", "CardCode", "Code", "BLEAuthCode", "QrCodeUrl", "FaceUrl"})

# Keys of the URLs that the device requests on events.
ACTION_URLS = "Config.Features.ACTIONURL."
# Keys of the API account and allow-list that the integration itself uses.
API_LOGIN = "Config.DoorSetting.APIFCGI."

# Last part of secret keys: passwords, tokens, URLs that may contain them, codes, DTMF digits that open a door.
_SECRET_KEY = re.compile(
    r"pass(word|wd)|pwd|Url|token|secret|community|^PublicKey\d|^(Multi)?Code[0-9A-Z]?$|AuthCode|PrivateKey|PinCode",
    re.IGNORECASE,
)


def is_secret_key(key: str) -> bool:
    """Return whether a configuration value is secret: it is returned only when requested by key.

    Action URLs contain the token that authenticates the device to Home Assistant.
    """
    return key.startswith(ACTION_URLS) or _SECRET_KEY.search(key.rpartition(".")[2]) is not None
