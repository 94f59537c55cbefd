"""Encrypted messages to a device, and faulty ones."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from enum import Enum, auto
import secrets

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from firebase_messaging.proto.mcs_pb2 import DataMessageStanza
import http_ece


class Spoilt(Enum):
    """How a message differs from what the library expects."""

    NOT = auto()
    # All of it is there: others write headers like that.
    UNPADDED = auto()
    TWO_PARTS = auto()
    TWO_PARTS_TURNED = auto()
    OTHER_ALPHABET = auto()
    # What is missing cannot be added.
    NO_CRYPTO_KEY = auto()
    NO_DH = auto()
    NO_SALT = auto()
    NO_BASE64 = auto()
    NO_POINT = auto()
    WRONG_KEYS = auto()
    TRUNCATED = auto()
    EMPTY = auto()

    @property
    def readable(self) -> bool:
        """Can it be decrypted by who tries?"""
        return self in _READABLE


_READABLE = frozenset({Spoilt.NOT, Spoilt.UNPADDED, Spoilt.TWO_PARTS, Spoilt.TWO_PARTS_TURNED, Spoilt.OTHER_ALPHABET})


@dataclass(frozen=True, slots=True)
class Keys:
    """What a device has given to encrypt for it."""

    public: bytes
    secret: bytes = field(repr=False)


@dataclass(slots=True)
class Message:
    """One message; `sent` is how often it went to the device, which has it for good once it is acknowledged."""

    id: str
    stanza: DataMessageStanza
    sent: int = 0
    acknowledged: bool = False


def stanza(
    number: str, subtype: str, keys: Keys, data: bytes, sender: str, spoilt: Spoilt = Spoilt.NOT
) -> DataMessageStanza:
    """Encrypt a message."""
    if spoilt is Spoilt.WRONG_KEYS:
        other = ec.generate_private_key(ec.SECP256R1()).public_key()
        keys = Keys(other.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint), keys.secret)
    own = ec.generate_private_key(ec.SECP256R1())
    salt = secrets.token_bytes(16)
    if spoilt is Spoilt.OTHER_ALPHABET:
        salt = b"\xff\xef" + salt[2:]  # in which the alphabets differ
    point = own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    raw = http_ece.encrypt(data, salt=salt, private_key=own, dh=keys.public, auth_secret=keys.secret, version="aesgcm")
    dh, seed = urlsafe_b64encode(point).decode(), urlsafe_b64encode(salt).decode()
    crypto_key, encryption = headers(dh, seed, spoilt)
    result = DataMessageStanza(category="org.chromium.linux", persistent_id=number)
    setattr(result, "from", sender)
    result.raw_data = {Spoilt.TRUNCATED: raw[:-3], Spoilt.EMPTY: b""}.get(spoilt, raw)
    told = {"subtype": subtype, "crypto-key": crypto_key, "encryption": encryption}
    for key, value in told.items():
        if value is not None:
            result.app_data.add(key=key, value=value)
    return result


def headers(dh: str, salt: str, spoilt: Spoilt) -> tuple[str | None, str | None]:
    """Return the headers `crypto-key` and `encryption`."""
    bare = dh.rstrip("=")
    match spoilt:
        case Spoilt.UNPADDED:
            return f"dh={bare}", f"salt={salt.rstrip('=')}"
        case Spoilt.TWO_PARTS:
            return f"dh={bare};p256ecdsa={bare}", f"salt={salt};rs=4096"
        case Spoilt.TWO_PARTS_TURNED:
            return f"p256ecdsa={bare}, keyid=p256dh; dh={dh}", f'keyid=p256dh;salt="{salt}"'
        case Spoilt.OTHER_ALPHABET:
            return f"dh={dh.replace('-', '+').replace('_', '/')}", f"salt={salt.replace('-', '+').replace('_', '/')}"
        case Spoilt.NO_CRYPTO_KEY:
            return None, f"salt={salt}"
        case Spoilt.NO_DH:
            return f"p256ecdsa={bare}", f"salt={salt}"
        case Spoilt.NO_SALT:
            return f"dh={dh}", None
        case Spoilt.NO_BASE64:
            return "dh=a", "salt=%%%"
        case Spoilt.NO_POINT:
            return "dh=AAAA", f"salt={salt}"
    return f"dh={dh}", f"salt={salt}"


def deleted(number: str, sender: str) -> DataMessageStanza:
    """Return the message that replaces messages that waited too long."""
    result = DataMessageStanza(category="org.chromium.linux", persistent_id=number)
    setattr(result, "from", sender)
    result.app_data.add(key="message_type", value="deleted_messages")
    return result
