"""Secrets of an Akuvox: fields of its lists, and values of its configuration."""

import re

# PIN, card, key, Bluetooth and QR codes, and where a face is (Api user, Api privatekey, Api rfkey).
SECRET_FIELDS = frozenset({"PrivatePIN", "CardCode", "Code", "BLEAuthCode", "QrCodeUrl", "FaceUrl"})

# The addresses that the device requests when something happens.
ACTION_URLS = "Config.Features.ACTIONURL."
# The login and whitelist of the API that we use ourselves.
API_LOGIN = "Config.DoorSetting.APIFCGI."

# By the last part of a key: passwords, tokens, addresses that may carry them, codes, digits that open during a call.
_SECRET_KEY = re.compile(
    r"pass(word|wd)|pwd|Url|token|secret|community|^PublicKey\d|^(Multi)?Code[0-9A-Z]?$|AuthCode|PrivateKey|PinCode",
    re.IGNORECASE,
)


def is_secret_key(key: str) -> bool:
    """Return whether a value of the configuration is returned only when requested by name.

    Action URLs carry the token by which the device is known to Home Assistant.
    """
    return key.startswith(ACTION_URLS) or _SECRET_KEY.search(key.rpartition(".")[2]) is not None
