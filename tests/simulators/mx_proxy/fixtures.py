"""A small office: who works there, and what has happened so far."""

from typing import Any

from .envelope import Json
from .users import User
from .voicemail import Mail

MX = "63107"
APPS = {"intercom": "app-secret"}
LOGIN, PASSWORD = "anna@office.test", "pbx-pass"


def users() -> list[User]:
    """Return the people with an account; the first is the one that tests use."""
    return [
        User(
            LOGIN, PASSWORD, "3107", "43884851900310701", "Anna", "Keller", "Zk81vTnQ0pLr5xWd7MbY",
            devices={"desk", "doorPhone", "mobile"}, numbers={"12025550107"},
        ),
        User(
            "ben@office.test", "pbx-ben", "3108", "43884851900310803", "Ben", "Osei", "q7GdR2mVx9KsT4uJc1Na",
            devices={"ben"}, numbers={"12025550108"},
        ),
    ]  # fmt: skip


def contacts() -> list[Json]:
    """Return the address book, in no order; empty fields are left out."""
    return [
        {
            "jid": "43884851900310803",
            "firstName": "Ben",
            "lastName": "Osei",
            "ext": "3108",
            "homePhone": "+1-202-555-0118",
            "cellPhone": "+1-202-555-0108",
            "email": "ben@office.test",
            "homeSystem": "43884851900000001",
            "did": "12025550108",
            "exchangeId": "ben.osei",
        },
        {
            "jid": "43884851900310701",
            "firstName": "Anna",
            "lastName": "Keller",
            "ext": "3107",
            "cellPhone": "12025550107",
            "email": "anna@office.test",
        },
        {"jid": "43884851900319002", "firstName": "Front", "lastName": "door", "ext": "3190"},
    ]


def services() -> list[Json]:
    """Return what else has an extension; the ids need 62 bits."""
    return [
        {"id": "3458764513956071007", "name": "voicemail", "type": "VM", "ext": "*86"},
        {"id": "3458764515081032009", "name": "park", "type": "ParkServer", "ext": "*77"},
        {"id": "3502649365667728003", "name": "Reception", "type": "AA", "ext": "3700"},
    ]


def records() -> list[dict[str, Any]]:
    """Return calls of the past; one names its extension as one record of the manual does."""
    return [
        {
            "missed": True, "direction": "incoming", "gcid": "63107-00-0000D-51",
            "connectTimestamp": 1790000100, "disconnectTimestamp": 1790000112, "callingPartyNo": "3190",
            "originalCalledPartyNo": "3107", "firstName": "Front", "lastName": "door", "ext": "3190", "selfLegType": 9,
        },
        {
            "missed": False, "direction": "outgoing", "gcid": "63107-00-0000D-52",
            "disconnectTimestamp": 1790003600, "callingPartyNo": "12025550107", "originalCalledPartyNo": "12025550142",
        },
        {
            "missed": False, "direction": "outgoing", "gcid": "63107-00-0000D-53",
            "disconnectTimestamp": 1790007200, "callingPartyNo": "3107", "originalCalledPartyNo": "3108",
            "firstName": "Ben", "lastName": "Osei", "extension": "3108",
        },
    ]  # fmt: skip


def mails() -> list[Mail]:
    """Return voicemails of the past."""
    return [
        Mail("", "3108", "Ben Osei", "3107", 1789990000, 4, read=True, note="call back"),
        Mail("", "12025550142", "", "3107", 1790000400, 2, caller_name="Parcel service"),
    ]
