"""What resolvers' answers say of each other, and how sure that is."""

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.samples import DnsAnswer
from analysis.services.answers import findings, working

A1 = ("93.184.216.34", "93.184.216.35")
A2 = ("151.101.1.69",)


def a(resolver: str, *addresses: str, rcode: str | None = "NOERROR", **more) -> DnsAnswer:
    return DnsAnswer(resolver, "A", rcode, addresses, **more)


def told(*answers: DnsAnswer) -> list[tuple[str, str]]:
    return [(finding.severity, str(finding.text)) for finding in findings(answers)]


def test_equal_or_overlapping_answers_are_nothing_to_tell_in_any_order() -> None:
    assert told(a("x", *A1), a("y", *reversed(A1)), a("z", A1[0])) == []


def test_different_public_answers_are_usual_for_caches_by_place_and_no_fault() -> None:
    ((severity, text),) = told(a("8.8.8.8", *A1), a("114.114.114.114", *A2))
    assert severity == "notice"
    assert "no fault" in text
    assert "8.8.8.8, 114.114.114.114" in text


def test_no_such_name_beside_an_answer_is_a_probable_block_or_a_private_name() -> None:
    ((severity, text),) = told(a("8.8.8.8", *A1), a("9.9.9.9", rcode="NXDOMAIN"))
    assert severity == "warn"
    assert text.startswith("9.9.9.9: no such name, but 8.8.8.8 has A addresses: probably")


def test_an_address_that_is_nobodys_beside_public_ones_is_probably_poison_or_a_private_view() -> None:
    for bogus in ("10.1.2.3", "127.0.0.1", "0.0.0.0", "169.254.1.1", "240.0.0.1"):
        ((severity, text),) = told(a("192.168.1.1", bogus), a("8.8.8.8", *A1))
        assert severity == "warn"
        assert text.startswith(f"192.168.1.1 answers {bogus}")
        assert "probably" in text


def test_a_private_network_alone_with_its_names_is_nothing_to_tell() -> None:
    assert told(a("10.0.0.1", "10.1.2.3"), a("10.0.0.2", "10.1.2.3")) == []


def test_two_answers_to_one_question_are_probably_poison_and_come_first() -> None:
    found = told(a("8.8.8.8", *A1), a("1.1.1.1", *A2, also=(("203.0.113.5",),)))
    assert [severity for severity, _ in found] == ["warn", "notice"]
    assert found[0][1].startswith("One A question to 1.1.1.1 got 2 different answers")


def test_a_resolver_works_if_it_gives_an_address_and_fails_in_nothing() -> None:
    answers = (
        a("good", *A1),
        DnsAnswer("good", "AAAA", "NOERROR"),
        a("half", *A1),
        DnsAnswer("half", "AAAA", failure="timeout"),
        a("empty"),
        a("no", rcode="NXDOMAIN"),
    )
    assert working(answers) == {"good": True, "half": False, "empty": False, "no": False}


answers = st.builds(
    DnsAnswer,
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["A", "AAAA"]),
    st.sampled_from([None, "NOERROR", "NXDOMAIN", "SERVFAIL"]),
    st.lists(st.sampled_from(["", "x", "1.2.3.4", "10.0.0.1", "::1", "2600::1"]), max_size=3).map(tuple),
)


@settings(max_examples=40)
@given(st.lists(answers, max_size=6).map(tuple))
def test_whatever_a_recording_holds_can_be_told(found: tuple[DnsAnswer, ...]) -> None:
    for finding in findings(found):
        assert finding.severity in ("warn", "notice")
        assert "{" not in str(finding.text)
    working(found)
