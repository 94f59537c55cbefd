"""The torture messages of RFC 4475, written after its text: what each tests is kept, addresses and bodies are shortened.

``VALID`` have to be understood, ``INVALID`` have to be refused or dropped; none may raise anything but the typed error.
"""

from collections.abc import Mapping


def _message(text: str, body: bytes = b"") -> bytes:
    """Return a message: lines end with CRLF, and the text has no empty line at its end."""
    return text.strip("\n").replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body


SDP = b"v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\nm=audio 49217 RTP/AVP 0 12\r\n"

_REST = """Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK.{name}
Max-Forwards: 70
From: <sip:caller@example.net>;tag=1234
To: <sip:user@example.com>
Call-ID: {name}@example.com
CSeq: 1 {method}
Contact: <sip:caller@host.example.net>
"""


def _plain(
    name: str, method: str, first: str | None = None, more: str = "", drop: str = "", body: bytes = b""
) -> bytes:
    """Return a plain request with another first line, further headers, and without those that begin with ``drop``."""
    lines = [f"{first or f'{method} sip:user@example.com SIP/2.0'}", *_REST.strip("\n").split("\n")]
    kept = [line for line in lines if not drop or not line.startswith(drop)]
    text = "\n".join(kept).replace("{name}", name).replace("{method}", method)
    return _message(text + ("\n" + more if more else "") + f"\nContent-Length: {len(body)}", body)


VALID: Mapping[str, bytes] = {
    # 3.1.1.1: folding, compact forms, escapes, unknown headers, any case, many spaces.
    "wsinv": _message(
        """
INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : 150
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33
""",
        SDP + b" " * (150 - len(SDP)),
    ),
    # 3.1.1.2: a method and headers of unusual characters.
    "intmeth": _message(
        """
!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0
Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~
To: "BEL:\\\x07 NUL:\\ DEL:\\\x7f" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>
From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%="\xd1\x80\xd0\xb0";tag=_token~1'+`*%!-.
Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/"][?}{
CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~
Max-Forwards: 255
extensionHeader-!.%*+_`'~:\xef\xbb\xbf\xe5\xa4\xa7
Content-Length: 0
""".replace("\\\x07", "\\a").replace("\\\x7f", "\\b")
    ),
    # 3.1.1.3 to 3.1.1.5: escapes.
    "esc01": _plain("esc01", "INVITE", "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0", "N: %20"),
    "escnull": _plain(
        "escnull", "REGISTER", "REGISTER sip:example.com SIP/2.0", "L: 0\nContact: <sip:%00@host5.example.com>"
    ),
    "esc02": _plain("esc02", "RE%47IST%45R", "RE%47IST%45R sip:registrar.example.com SIP/2.0"),
    # 3.1.1.6: no space between name and address.
    "lwsdisp": _plain("lwsdisp", "OPTIONS", more="From: caller<sip:caller@example.com>;tag=323", drop="From"),
    # 3.1.1.7: long values.
    "longreq": _plain(
        "longreq",
        "INVITE",
        more='To: "I have a user name of extreme proportion" <sip:user@example.com:6000;unknownparam1=very'
        + "long" * 200
        + "value>\nUnknown-"
        + "Long" * 100
        + "-Name: unknown-"
        + "long" * 100
        + "-value"
        + "\nVia: SIP/2.0/TCP sip33.example.com" * 30,
        drop="To",
    ),
    # 3.1.1.8: a datagram with something behind the message.
    "dblreq": _plain("dblreq", "REGISTER") + b"INVITE sip:joe@example.com SIP/2.0\r\n",
    # 3.1.1.9: semicolons in the user.
    "semiuri": _plain("semiuri", "OPTIONS", "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0"),
    # 3.1.1.10: all transports, and an unknown one.
    "transports": _plain(
        "transports",
        "OPTIONS",
        more="Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf\nVia: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj\n"
        "Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en",
    ),
    # 3.1.1.11: a body in parts, with bytes that are no text.
    "mpart01": _plain(
        "mpart01",
        "MESSAGE",
        more="Content-Type: multipart/mixed;boundary=7a9cbec02ceef655",
        body=b"--7a9c\r\n\xff\x00\xfe",
    ),
    # 3.1.1.12 and 3.1.1.13: a reason that is no ASCII, and none.
    "unreason": _message(
        "SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe\n"
        + _REST.replace("{name}", "unreason").replace("{method}", "INVITE")
    ),
    "noreason": _message("SIP/2.0 100 \n" + _REST.replace("{name}", "noreason").replace("{method}", "INVITE")),
    # 3.3: well-formed, but not to be carried out.
    "unkscm": _plain("unkscm", "OPTIONS", "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0"),
    "novelsc": _plain("novelsc", "OPTIONS", "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0"),
    "unksm2": _plain("unksm2", "REGISTER", more="To: isbn:2983792873\nContact: <name:John_Smith>", drop="To"),
    "bext01": _plain("bext01", "OPTIONS", more="Require: nothingSupportsThis, nothingSupportsThisEither"),
    "invut": _plain("invut", "INVITE", more="Content-Type: application/unknownformat", body=b"<audio/>"),
    "regaut01": _plain("regaut01", "REGISTER", more="Authorization: NoOneKnowsThisScheme opaque-data=here"),
    "zeromf": _plain("zeromf", "OPTIONS", more="Max-Forwards: 0", drop="Max-Forwards"),
    "cparam01": _plain(
        "cparam01", "REGISTER", more="Contact: sip:+19725552222@gw1.example.net;unknownparam", drop="Contact"
    ),
    "cparam02": _plain(
        "cparam02", "REGISTER", more="Contact: <sip:+19725552222@gw1.example.net;unknownparam>", drop="Contact"
    ),
    "regescrt": _plain(
        "regescrt", "REGISTER", more="Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>", drop="Contact"
    ),
    "sdp01": _plain("sdp01", "INVITE", more="Accept: text/nobodyKnowsThis", body=SDP),
    # 4: a request of RFC 2543.
    "inv2543": _plain(
        "inv2543",
        "INVITE",
        more="Via: SIP/2.0/UDP iftgw.example.com\nRecord-Route: <sip:UserB@example.com>",
        drop="Via",
    ),
    # 3.2.1: the branch is only the cookie.
    "badbranch": _plain("badbranch", "OPTIONS", more="Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK", drop="Via"),
}

INVALID: Mapping[str, bytes] = {
    # 3.1.2.1: separators without values in To and Contact.
    "badinv01": _plain(
        "badinv01",
        "INVITE",
        more='To: "Mr. J. User <sip:j.user@example.com>\nContact: "Joe" <sip:joe@example.org>;;;;',
        drop="To",
    ),
    # 3.1.2.2 and 3.1.2.3: the length is above that of the body, or negative.
    "clerr": _plain("clerr", "INVITE", more="Content-Length: 9999", body=SDP),
    "ncl": _plain("ncl", "INVITE", more="Content-Length: -999", body=SDP),
    # 3.1.2.4 and 3.1.2.5: numbers that are too large.
    "scalar02": _plain("scalar02", "REGISTER", more="CSeq: 36893488147419103232 REGISTER", drop="CSeq"),
    "scalarlg": _message(
        "SIP/2.0 503 Service Unavailable\n"
        + _REST.replace("{name}", "scalarlg").replace("CSeq: 1 {method}", "CSeq: 9292394834772304023312 OPTIONS")
    ),
    # 3.1.2.6: a quote that does not end.
    "quotbal": _plain("quotbal", "INVITE", more='To: "Mr. J. User <sip:j.user@example.com>', drop="To"),
    # 3.1.2.7 to 3.1.2.10: brackets and spaces in the first line.
    "ltgtruri": _plain("ltgtruri", "INVITE", "INVITE <sip:user@example.com> SIP/2.0"),
    "lwsruri": _plain("lwsruri", "INVITE", "INVITE sip:user@example.com; lr SIP/2.0"),
    "lwsstart": _plain("lwsstart", "INVITE", "INVITE  sip:user@example.com  SIP/2.0"),
    "trws": _plain("trws", "OPTIONS", "OPTIONS sip:remote-target@example.com SIP/2.0  "),
    # 3.1.2.13: parameters of the header inside an address without brackets and spaces.
    "regbadct": _plain(
        "regbadct", "REGISTER", more="Contact: sip:user@example.com?Route=<sip:sip.example.com>;;", drop="Contact"
    ),
    # 3.1.2.14 and 3.1.2.15: addresses with spaces, and names that need quotes.
    "badaspec": _plain("badaspec", "OPTIONS", more='To: "Watson, Thomas" < sip:t.watson @ example.org >', drop="To"),
    # 3.1.2.16: another version.
    "badvers": _plain("badvers", "OPTIONS", "OPTIONS sip:t.watson@example.org SIP/7.0"),
    # 3.1.2.17 and 3.1.2.18: CSeq names another method.
    "mismatch01": _plain("mismatch01", "OPTIONS", more="CSeq: 8 INVITE", drop="CSeq"),
    "mismatch02": _plain("mismatch02", "NEWMETHOD", more="CSeq: 8 INVITE", drop="CSeq"),
    # 3.1.2.19: a status that is none.
    "bigcode": _message("SIP/2.0 4294967301 better not break the receiver\n" + _REST.replace("{name}", "bigcode")),
    # 3.3.1: headers are missing.
    "insuf": _plain("insuf", "INVITE", drop="From"),
    # 3.3.8 and 3.3.9: single headers with two values, and two lengths.
    "multi01": _plain(
        "multi01", "INVITE", more="CSeq: 59 INVITE\nCall-ID: other@example.com\nTo: <sip:other@example.com>"
    ),
    "mcl01": _plain("mcl01", "OPTIONS", more="Content-Length: 13", body=b"There's no way to know how many octets"),
}
