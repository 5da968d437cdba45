"""What a TLS server shows is told whether it is trusted or not, and judged by what the box trusts."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.services.certificate import Unreadable, identity, matches
from tests.collectors.services.visits import check, trusting
from tests.lab.web import context_of, page, says, server, silent

CA = trustme.CA()
FAR = datetime(2042, 1, 2, tzinfo=UTC)
LAST = datetime.now(UTC) - timedelta(days=3, hours=1)
GOOD = CA.issue_cert("health.example", "*.wild.example", "127.0.0.1", "::1", not_after=FAR)
ENDED = CA.issue_cert("health.example", not_before=datetime(2001, 1, 1, tzinfo=UTC), not_after=LAST)
OTHER = CA.issue_cert("other.example")
STRANGER = trustme.CA().issue_cert("health.example")


def der(certificate: trustme.LeafCert) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())


async def seen_over_tls(certificate: trustme.LeafCert, url: str = "https://health.example:{port}/", **more):
    async with server(says(page("200 OK")), context_of(certificate)) as port:
        return await check(url.format(port=port), trust=trusting(CA), **more)


async def test_a_trusted_server_is_told_with_version_end_and_a_time_of_its_own() -> None:
    seen = await seen_over_tls(GOOD)
    assert (seen.failure, seen.status) == (None, 200)
    shown = seen.certificate
    assert shown is not None
    assert (shown.version, shown.problem, shown.name_matches) == ("TLSv1.3", None, True)
    assert datetime.fromtimestamp(shown.expires_s or 0, UTC) == FAR
    assert set(shown.names) == {"health.example", "*.wild.example", "127.0.0.1", "::1"}
    assert (seen.phases.tls_us or 0) > 0
    assert (seen.phases.tls_us or 0) + (seen.phases.connect_us or 0) <= (seen.phases.whole_us or 0)


async def test_tls_alone_needs_no_http() -> None:
    async with server(silent, context_of(GOOD)) as port:
        seen = await check(f"tls://127.0.0.1:{port}", trust=trusting(CA))
    assert (seen.failure, seen.status) == (None, None)
    assert seen.certificate is not None


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        (ENDED, "its certificate ended 3 days ago"),
        (OTHER, "its certificate is for other.example, not for health.example"),
        (STRANGER, "this box does not trust its certificate: unable to get local issuer certificate"),
    ],
    ids=["ended", "other name", "stranger"],
)
async def test_what_is_not_trusted_is_told_with_all_that_it_shows(certificate: trustme.LeafCert, why: str) -> None:
    seen = await seen_over_tls(certificate)
    assert (seen.failure, str(seen.why), seen.status) == ("certificate", why, None)
    assert seen.certificate is not None
    assert (seen.certificate.problem is None) == (certificate is OTHER)
    assert seen.certificate.expires_s == identity(der(certificate)).expires_s
    anyway = await seen_over_tls(certificate, verify=False)
    assert (anyway.failure, anyway.status) == (None, 200)


async def test_a_server_without_tls_or_without_a_word_is_told() -> None:
    async def says_plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        await reader.read()

    async with server(says_plain) as port:
        seen = await check(f"tls://127.0.0.1:{port}")
    assert (seen.failure, str(seen.why)) == ("tls", "no TLS: wrong version number")

    async def ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(100)

    async with server(ends) as port:
        assert (await check(f"tls://127.0.0.1:{port}")).failure in ("closed", "reset")
    async with server(silent) as port:
        seen = await check(f"tls://127.0.0.1:{port}", timeout_s=0.5)
    assert str(seen.why) == "no answer within 0.5 s; missing is the TLS handshake"


@pytest.mark.parametrize(
    ("host", "names", "good"),
    [
        ("health.example", ("Health.Example",), True),
        ("a.wild.example", ("*.wild.example",), True),
        ("a.b.wild.example", ("*.wild.example",), False),
        ("wild.example", ("*.wild.example",), False),
        ("127.0.0.1", ("127.0.0.1",), True),
        ("127.0.0.1", ("*.0.0.1",), False),
        ("::1", ("::1",), True),
        ("x.example", (), False),
    ],
)
def test_names_match_as_rfc_9525_says(host: str, names: tuple[str, ...], good: bool) -> None:
    assert matches(host, names) is good


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2000), st.binary(min_size=1, max_size=4), st.integers(0, 3))
def test_a_damaged_certificate_is_refused_or_read_but_never_a_crash(at: int, data: bytes, cut: int) -> None:
    whole = der(GOOD)
    at %= len(whole)
    damaged = (whole[:at] + data + whole[at + len(data) :])[: len(whole) - cut * at]
    try:
        found = identity(damaged)
    except Unreadable:
        return
    assert all(isinstance(name, str) for name in found.names)


@given(st.binary(max_size=40))
@settings(max_examples=60)
def test_arbitrary_bytes_are_no_certificate(data: bytes) -> None:
    with pytest.raises(Unreadable):
        identity(data)
