"""Session descriptions of real devices, our own, and spoiled ones."""

from random import Random

import pytest

from custom_components.ip_intercom.talk.errors import SdpError
from custom_components.ip_intercom.talk.sdp import (
    LONGEST,
    MOST_MEDIA,
    PCMA,
    PCMU,
    Codec,
    Direction,
    Media,
    SessionDescription,
)

# A door phone that answers DESCRIBE with the Require header (ONVIF Streaming, 5.3.1).
BACKCHANNEL = """v=0\r
o=- 1700000000 1 IN IP4 192.0.2.20\r
s=Session streamed by device\r
t=0 0\r
a=range:npt=now-\r
a=control:*\r
m=video 0 RTP/AVP 96\r
c=IN IP4 0.0.0.0\r
b=AS:2000\r
a=control:trackID=1\r
a=recvonly\r
a=rtpmap:96 H264/90000\r
a=fmtp:96 packetization-mode=1; profile-level-id=42001f; sprop-parameter-sets=Z0IAH5WoFAFuQA==,aM48gA==\r
m=audio 0 RTP/AVP 0\r
a=control:trackID=2\r
a=recvonly\r
m=audio 0 RTP/AVP 0 8\r
a=control:rtsp://192.0.2.20/stream/trackID=3\r
a=sendonly\r
a=rtpmap:8 pcma/8000/1\r
"""
# A softphone's offer, with LF only, no "s=", no "t=", and encryption that we do not know.
OFFER = """v=0
o=baresip 12 34 IN IP6 2001:db8::1
c=IN IP6 2001:db8::1/127/1
a=sendrecv
X-unknown
m=audio 10020 RTP/AVP 8 0 101 97
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x
m=video 10022/2 RTP/AVP 99 99
c=IN IP4 192.0.2.9
a=rtpmap:99 h264/90000
a=inactive
"""


def test_the_description_of_a_door_phone_is_parsed() -> None:
    session = SessionDescription.parse(BACKCHANNEL)
    video, audio, microphone = session.media
    assert (session.control, session.address, session.session_id) == ("*", None, 1_700_000_000)
    assert session.name == "Session streamed by device"
    assert (video.kind, video.direction, video.control) == ("video", Direction.RECVONLY, "trackID=1")
    assert video.address == "0.0.0.0"
    codec = video.find("H264")
    assert codec is not None
    assert (codec.payload, codec.rate) == (96, 90_000)
    assert codec.parameters.endswith("sprop-parameter-sets=Z0IAH5WoFAFuQA==,aM48gA==")
    assert audio.codecs == (PCMU,)
    assert microphone.direction is Direction.SENDONLY
    assert microphone.codecs == (PCMU, PCMA)
    assert microphone.control == "rtsp://192.0.2.20/stream/trackID=3"


def test_an_offer_with_missing_and_unknown_lines() -> None:
    session = SessionDescription.parse(OFFER)
    audio, video = session.media
    assert (session.username, session.session_id, session.version, session.origin) == ("baresip", 12, 34, "2001:db8::1")
    assert session.address == "2001:db8::1"
    # Payload type 97 has no rtpmap, so it cannot be used.
    assert audio.codecs == (PCMA, PCMU, Codec(101, "TELEPHONE-EVENT", 8000, parameters="0-15"))
    assert audio.attributes == ("ptime:20", "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x")
    assert audio.direction is Direction.SENDRECV
    assert (video.port, video.address, video.direction) == (10_022, "192.0.2.9", Direction.INACTIVE)
    assert video.codecs == (Codec(99, "H264", 90_000),)
    assert video.find("VP8") is None


@pytest.mark.parametrize("text", [BACKCHANNEL, OFFER], ids=["rtsp", "sip"])
def test_written_and_read_again_is_the_same(text: str) -> None:
    session = SessionDescription.parse(text)
    assert SessionDescription.parse(session.to_text()) == session


def test_the_session_gives_its_direction_to_media_without_one() -> None:
    session = SessionDescription.parse("v=0\na=sendonly\nm=audio 9 RTP/AVP 0\nm=video 9 RTP/AVP 96\na=recvonly\n")
    assert [medium.direction for medium in session.media] == [Direction.SENDONLY, Direction.RECVONLY]
    assert [medium.direction.reversed for medium in session.media] == [Direction.RECVONLY, Direction.SENDONLY]
    assert Direction.INACTIVE.reversed is Direction.INACTIVE


def test_a_session_description_is_written() -> None:
    events = Codec(101, "TELEPHONE-EVENT", 8000, parameters="0-15")
    audio = Media("audio", 4000, "RTP/AVP", (PCMA, events), attributes=("ptime:20",))
    rejected = Media("video", 0, "RTP/AVP", (), Direction.INACTIVE, address="2001:db8::2", control="trackID=0")
    stereo = Media("audio", 0, "RTP/AVP", (Codec(97, "L16", 44_100, 2),), Direction.SENDONLY)
    session = SessionDescription((audio, rejected, stereo), "192.0.2.1", session_id=5, version=6, control="*")
    assert session.to_text().split("\r\n") == [
        "v=0",
        "o=- 5 6 IN IP4 127.0.0.1",
        "s=-",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "a=control:*",
        "m=audio 4000 RTP/AVP 8 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        "a=sendrecv",
        "m=video 0 RTP/AVP 0",
        "c=IN IP6 2001:db8::2",
        "a=inactive",
        "a=control:trackID=0",
        "m=audio 0 RTP/AVP 97",
        "a=rtpmap:97 L16/44100/2",
        "a=sendonly",
        "",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a session description"),
        ("<html></html>", "not a session description"),
        ("v=0\nm=audio\n", "a medium is incomplete"),
        ("v=0\nm=audio ½ RTP/AVP 0\n", "the port of a medium is not a number"),
        ("v=0\nm=audio 65536 RTP/AVP 0\n", "the port of a medium is not a number"),
        ("v=0\n" + "m=audio 9 RTP/AVP 0\n" * (MOST_MEDIA + 1), "too many media"),
        ("v=0\ns=" + "x" * LONGEST, "the session description is too large"),
    ],
)
def test_an_invalid_session_description_is_an_error(text: str, reason: str) -> None:
    with pytest.raises(SdpError, match=f"^{reason}$"):
        SessionDescription.parse(text)


@pytest.mark.parametrize(
    "attribute",
    [
        "rtpmap",
        "rtpmap:",
        "rtpmap:96",
        "rtpmap:96 /",
        "rtpmap:96 X/0",
        "rtpmap:96 X/-1",
        "rtpmap:x X/8000",
        "fmtp:1e3 x",
    ],
)
def test_a_codec_that_is_not_described_is_left_out(attribute: str) -> None:
    session = SessionDescription.parse(f"v=0\nm=audio 9 RTP/AVP 0 96 128 x\na={attribute}\n")
    assert session.media[0].codecs == (PCMU,)


@pytest.mark.parametrize("origin", ["", "- 1 2", "- x y IN IP4 192.0.2.1"])
def test_an_invalid_origin_is_tolerated(origin: str) -> None:
    session = SessionDescription.parse(f"v=0\no={origin}\n")
    assert (session.session_id, session.version) == (0, 0)


def test_spoiled_session_descriptions_raise_only_typed_errors() -> None:
    random = Random(16)
    pieces = [
        "\0",
        "=",
        "a=",
        "m=",
        "c=IN",
        "\r",
        "\n",
        "9" * 30,
        "\ud800",
        "½",
        " ",
        ":",
        "/",
        "rtpmap:",
        "x" * 70_000,
    ]
    refused = 0
    for _ in range(2000):
        text = random.choice((BACKCHANNEL, OFFER))
        for _ in range(random.randint(1, 4)):
            place = random.randrange(len(text))
            text = text[:place] + random.choice(pieces) + text[place + random.randrange(20) :]
        try:
            session = SessionDescription.parse(text)
        except SdpError:
            refused += 1
        else:
            assert len(session.media) <= MOST_MEDIA
    assert 0 < refused < 2000
