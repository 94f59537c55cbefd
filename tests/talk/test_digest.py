"""Answers to challenges, compared with the examples of the RFCs and with a server's own calculation."""

import hashlib
import re

import pytest

from custom_components.ip_intercom.talk import digest
from custom_components.ip_intercom.talk.digest import Authenticator, Challenge, parse_challenges

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def of_the_rfc(algorithm: str) -> str:
    """Return a challenge of RFC 7616, 3.9.1."""
    return (
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
        f'nonce="{NONCE}", opaque="{OPAQUE}"'
    )


def fields(answer: str) -> dict[str, str]:
    """Return the fields of an ``Authorization`` header."""
    return {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^,]*))', answer)}


def hexed(name: str, text: str) -> str:
    return hashlib.new(name, text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_responses_match_the_examples_of_rfc_7616(
    monkeypatch: pytest.MonkeyPatch, algorithm: str, response: str
) -> None:
    monkeypatch.setattr(digest, "token_hex", lambda _: CNONCE)
    login = Authenticator("Mufasa", "Circle of Life")
    assert login.take([of_the_rfc(algorithm)])
    answer = login.answer("GET", "/dir/index.html")
    assert answer is not None
    assert fields(answer) == {
        "username": "Mufasa",
        "realm": "http-auth@example.org",
        "uri": "/dir/index.html",
        "algorithm": algorithm,
        "nonce": NONCE,
        "nc": "00000001",
        "cnonce": CNONCE,
        "qop": "auth",
        "response": response,
        "opaque": OPAQUE,
    }


def test_the_strongest_of_several_challenges_is_answered() -> None:
    """RFC 8760, 2.4: the client answers the topmost challenge that it supports; some servers sort differently."""
    login = Authenticator("Mufasa", "Circle of Life")
    assert login.take([of_the_rfc("MD5"), of_the_rfc("SHA-256")])
    assert "algorithm=SHA-256" in str(login.answer("GET", "/"))
    found = parse_challenges([f'Basic realm="a", {of_the_rfc("MD5")}, {of_the_rfc("SHA-512-256")}'])
    assert [challenge.algorithm for challenge in found] == ["SHA-512-256", "MD5", ""]


def test_a_challenge_without_qop_is_answered() -> None:
    """RFC 2069's calculation, which many door phones use."""
    login = Authenticator("admin", 'p"w')
    assert login.take(['Digest realm="a \\"quoted\\" realm", nonce="n"'])
    answer = str(login.answer("DESCRIBE", "rtsp://192.0.2.1/x"))
    assert 'realm="a \\"quoted\\" realm"' in answer
    secret = hexed("md5", 'admin:a "quoted" realm:p"w')
    expected = hexed("md5", f"{secret}:n:{hexed('md5', 'DESCRIBE:rtsp://192.0.2.1/x')}")
    assert f'response="{expected}"' in answer
    assert not {"cnonce", "nc", "qop", "algorithm", "opaque"} & set(re.findall(r"(\w+)=", answer))


def test_md5_sess_is_supported() -> None:
    login = Authenticator("u", "p")
    assert login.take(['Digest realm="r", nonce="n", algorithm=MD5-sess, qop="auth"'])
    given = fields(str(login.answer("INVITE", "sip:1@192.0.2.1")))
    secret = hexed("md5", f"{hexed('md5', 'u:r:p')}:n:{given['cnonce']}")
    request = hexed("md5", "INVITE:sip:1@192.0.2.1")
    assert given["response"] == hexed("md5", f"{secret}:n:00000001:{given['cnonce']}:auth:{request}")
    assert given["algorithm"] == "MD5-sess"


def test_each_request_of_a_nonce_has_its_count() -> None:
    login = Authenticator("u", "p")
    challenge = 'Digest realm="r", nonce="{}", qop="auth", stale={}'
    assert login.take([challenge.format("a", "FALSE")])
    stale = [login.stale]
    counts = [fields(str(login.answer("OPTIONS", "*")))["nc"] for _ in range(2)]
    assert login.take([challenge.format("b", "TRUE")])
    assert [*stale, login.stale] == [False, True]
    counts.append(fields(str(login.answer("OPTIONS", "*")))["nc"])
    assert counts == ["00000001", "00000002", "00000001"]


def test_basic_is_answered_only_where_it_is_allowed() -> None:
    offered = ['Basic realm="door"']
    strict = Authenticator("Aladdin", "open sesame")
    assert not strict.take(offered)
    assert strict.answer("OPTIONS", "*") is None
    assert not strict.stale
    lenient = Authenticator("Aladdin", "open sesame", basic=True)
    assert lenient.take(offered)
    assert lenient.answer("OPTIONS", "*") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="  # RFC 7617, 2
    assert lenient.take([*offered, of_the_rfc("MD5")])
    assert str(lenient.answer("OPTIONS", "*")).startswith("Digest ")


def test_the_repr_of_an_authenticator_hides_the_password() -> None:
    login = Authenticator("Aladdin", "open sesame", basic=True)
    login.take([of_the_rfc("MD5")])
    login.answer("OPTIONS", "*")
    assert repr(login) == "Authenticator(username='Aladdin', basic=True)"


@pytest.mark.parametrize(
    "header",
    [
        "",
        ",",
        "Digest",
        'Digest realm="r"',
        'Digest realm="r", nonce=""',
        'Digest realm="r", nonce="n", algorithm=SHA-999',
        'Digest realm="r", nonce="n", qop="auth-int"',
        'Digest nonce="',
        "Negotiate YII=",
        '="x", Digest nonce=n',
        f'Digest realm="{"x" * 9000}", nonce="n"',
    ],
)
def test_an_unsupported_challenge_is_not_answered(header: str) -> None:
    login = Authenticator("u", "p")
    assert not login.take([header])
    assert login.answer("OPTIONS", "*") is None


def test_a_flood_of_challenges_is_limited() -> None:
    found = parse_challenges(['Digest realm="r", nonce="n"'] * 1000)
    assert found == (Challenge("digest", "r", "n"),) * 16
