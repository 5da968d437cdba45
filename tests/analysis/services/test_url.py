"""A URL names one service, or is refused with a reason; ports and resolvers likewise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.services.settings import PortSettings, ServiceSettings, resolver_address
from analysis.services.url import BadUrl, Place, place


@pytest.mark.parametrize(
    ("url", "found", "authority"),
    [
        ("dns:console.vast.ai", Place("dns", "console.vast.ai", 53), None),
        ("DNS:console.vast.ai.", Place("dns", "console.vast.ai", 53), None),
        ("dns:例え.jp", Place("dns", "xn--r8jz45g.jp", 53), None),
        ("tcp://10.0.0.5:6379", Place("tcp", "10.0.0.5", 6379), None),
        ("tls://health.example", Place("tls", "health.example", 443), None),
        ("http://h.example:8000/health?x=1#part", Place("http", "h.example", 8000, "/health?x=1"), "h.example:8000"),
        ("https://h.example", Place("https", "h.example", 443, "/"), "h.example"),
        ("https://[2001:db8::1]:8443/", Place("https", "2001:db8::1", 8443, "/"), "[2001:db8::1]:8443"),
        ("https://[2001:db8::1]/", Place("https", "2001:db8::1", 443, "/"), "[2001:db8::1]"),
    ],
)
def test_a_url_names_a_place(url: str, found: Place, authority: str | None) -> None:
    assert place(url) == found
    assert authority is None or found.authority == authority


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("console.vast.ai", "a service is dns:NAME"),
        ("ftp://x/", "a service is dns:NAME"),
        ("tcp://host", "a port is missing"),
        ("tcp://host:0", "a port is missing"),
        ("tcp://host:70000", "its port or its address"),
        ("https://[::1", "its port or its address"),
        ("https:///path", "its host is not a name"),
        ("https://exa mple/", "blanks"),
        ("https://x/\r\nHost: evil", "blanks"),
        ("https://user:secret@x/", "names and passwords"),
        ("tls://x/path", "only http and https"),
        ("dns:", "its host is not a name"),
        ("dns:10.0.0.1", "its host is not a name"),
        ("https://[x:y]/", "its port or its address"),
        ("dns:a..b", "its host is not a name"),
        (f"dns:{'a' * 64}", "its host is not a name"),
    ],
)
def test_a_url_that_names_nothing_says_why(url: str, why: str) -> None:
    with pytest.raises(BadUrl, match=why):
        place(url)


@settings(max_examples=80)
@given(st.sampled_from(["dns:", "tcp://", "tls://", "http://", "https://", ""]), st.text(max_size=30))
def test_any_text_is_a_place_in_plain_ascii_or_refused(scheme: str, text: str) -> None:
    try:
        found = place(scheme + text)
    except BadUrl:
        return
    for part in (found.host, found.target, found.authority):
        assert part.isascii()
        assert part.isprintable()
        assert " " not in part
    assert 0 < found.port < 65536


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8.8.8.8", ("8.8.8.8", 53)),
        ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
        ("dns.google", None),
        ("8.8.8.8:0", None),
        ("8.8.8.8:99999", None),
        ("8.8.8.8:x", None),
        ("", None),
    ],
)
def test_a_resolver_is_an_address_with_or_without_a_port(text: str, address: tuple[str, int] | None) -> None:
    assert resolver_address(text) == address


@pytest.mark.parametrize(
    ("service", "key"),
    [
        (ServiceSettings("https://x/", timeout_s=5, interval_s=5), "timeout_s"),
        (ServiceSettings("tcp://x:1", statuses=(200,)), "statuses"),
        (ServiceSettings("http://x/", verify=False), "verify"),
        (ServiceSettings("https://x/", resolvers=("8.8.8.8",)), "resolvers"),
        (ServiceSettings("dns:x", resolvers=("dns.google",)), "resolvers"),
        (ServiceSettings("dns:x", resolvers=()), "resolvers"),
        (ServiceSettings("dns:x", records=()), "records"),
        (PortSettings(("h",), reachable=(22,), unreachable=(22, 80)), "unreachable"),
        (PortSettings(("h",)), "hosts"),
    ],
)
def test_what_does_not_go_together_is_a_fault_of_one_key(service: ServiceSettings | PortSettings, key: str) -> None:
    assert [fault.key for fault in service.faults()] == [key]


def test_what_goes_together_has_no_fault() -> None:
    for good in (
        ServiceSettings("dns:x", resolvers=("system", "8.8.8.8:53")),
        ServiceSettings("https://x/", statuses=(200, 204), redirects=3, verify=False, days_left=30),
        PortSettings(("h",), "cluster-outside", reachable=(443,), unreachable=(8000,)),
    ):
        assert list(good.faults()) == []
