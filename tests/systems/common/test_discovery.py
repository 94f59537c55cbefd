"""The addresses that are tried for a typed address."""

import pytest
from yarl import URL

from custom_components.ip_intercom.systems.common.discovery import candidates, parse_address, parse_path

PORTS = (("https", 443), ("http", 8080), ("http", 80))


@pytest.mark.parametrize(
    ("typed", "bases", "path"),
    [
        ("door", ("https://door", "http://door"), ""),
        ("door:8080", ("https://door:8080", "http://door:8080"), ""),
        ("http://door/a/b/", ("http://door",), "/a/b"),
        ("https://door:8443", ("https://door:8443",), ""),
        ("[fe80::1]:8443/mobile", ("https://[fe80::1]:8443", "http://[fe80::1]:8443"), "/mobile"),
        ("fe80::1", ("https://[fe80::1]", "http://[fe80::1]"), ""),
        ("http://[fe80::1]/a/b/", ("http://[fe80::1]",), "/a/b"),
    ],
)
def test_https_is_tried_before_http(typed: str, bases: tuple[str, ...], path: str) -> None:
    assert (candidates(parse_address(typed)), parse_path(typed)) == (tuple(map(URL, bases)), path)


@pytest.mark.parametrize(
    ("typed", "bases"),
    [
        ("exchange", ("https://exchange", "http://exchange:8080", "http://exchange")),
        ("exchange:81", ("https://exchange:81", "http://exchange:81")),
        ("http://exchange", ("http://exchange:8080", "http://exchange")),
    ],
)
def test_several_ports_are_candidates(typed: str, bases: tuple[str, ...]) -> None:
    assert candidates(parse_address(typed), PORTS) == tuple(map(URL, bases))
