"""So many checks in a row make a service up or down; one alone never does."""

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.events import Event
from analysis.model import Model
from analysis.samples import Check, DnsAnswer, Phases, PortRow, Ports, Sample, Service
from analysis.samples.services import Certificate
from analysis.services.fold import Services, Streak, Tersely, follow
from analysis.settings import Settings
from analysis.text import Sentence
from analysis.view import Lens, View
from tests.samples import at, session

WEB = Service(at(0), "health", "https", "https://console.vast.ai/health", days_left=14)
REFUSED = Sentence("connection refused")


def checks(goods: list[bool], every_s: int = 5, name: str = "health") -> list[Sample]:
    return [
        Check(
            at(n * every_s), name, None if good else "refused", None if good else REFUSED, phases=Phases(whole_us=n)
        )
        for n, good in enumerate(goods, 1)
    ]


def view_of(samples: list[Sample], second: float) -> View:
    model = Model(Settings())
    for sample in samples:
        model.fold(sample)
    return model.view(at(second), Lens())


def service_events(samples: list[Sample]) -> list[str]:
    services = Services()
    return [str(event.text) for sample in samples for event in services.fold(sample)]


goods = st.lists(st.booleans(), max_size=60)
thresholds = st.integers(1, 5)


@settings(max_examples=50)
@given(goods, thresholds, thresholds)
def test_the_state_is_the_last_long_enough_run(seen: list[bool], failures: int, successes: int) -> None:
    streak, expected = Streak(), "unknown"
    for n, good in enumerate(seen):
        streak = follow(streak, good, n, failures, successes)
        run = next((k for k, other in enumerate(reversed(seen[: n + 1])) if other != good), n + 1)
        if run >= (successes if good else failures):
            expected = "up" if good else "down"
        assert streak.state == expected
        assert streak.length == run
        assert (streak.since_ns is None) == (expected == "unknown")


@settings(max_examples=50)
@given(goods, thresholds, thresholds)
def test_fewer_failures_in_a_row_than_the_threshold_never_take_a_service_down(seen, failures, successes) -> None:
    calm = [good for good in seen for good in ([good] if good else [False] * (failures - 1) + [True])]
    streak = Streak()
    for n, good in enumerate(calm):
        streak = follow(streak, good, n, failures, successes)
        assert streak.state != "down"


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.booleans()), max_size=80), thresholds, thresholds, st.data()
)
def test_the_index_of_a_long_session_keeps_enough_for_the_same_events(seen, failures, successes, data) -> None:
    samples: list[Sample] = [
        Service(at(0), name, "tcp", f"tcp://{name}:1", failures=failures, successes=successes) for name in ("a", "b")
    ]
    samples += [Check(at(n), name, None if good else "timeout", REFUSED) for n, (name, good) in enumerate(seen, 1)]
    for n in range(data.draw(st.integers(0, 5))):
        rows = tuple(PortRow(port, True, data.draw(st.sampled_from(["open", "closed"]))) for port in (1, 2))
        samples.append(Ports(at(100 + n), "h", "192.0.2.1", rows=rows))
    tersely = Tersely()
    assert service_events([sample for sample in samples if tersely.is_needed(sample)]) == service_events(samples)


def test_the_default_load_balancer_profile_three_failures_down_three_successes_up() -> None:
    samples = [WEB, *checks([True] * 4 + [False] * 4 + [True] * 3)]
    assert service_events(samples) == [
        "health is down: 3 checks in a row failed within 10 s, at last: connection refused",
        "health is up again; it was down for 20 s.",
    ]


def test_a_service_that_goes_down_is_the_verdict_and_says_that_the_network_to_it_is_clean() -> None:
    samples = [*session(60), WEB, *checks([True] * 4 + [False] * 4)]
    seen = view_of(sorted(samples, key=lambda sample: sample.t), 60)
    assert seen.verdict.severity == "bad"
    assert str(seen.verdict.text).startswith(
        "health has been down for 35 s: connection refused. The gateway answered"
    )
    assert "No problem seen" in str(seen.verdict.evidence[0])
    (event,) = (event for event in seen.events if event.kind == "service")
    assert (event.severity, event.who, event.t) == ("bad", "health", at(35))


def test_a_service_whose_host_answers_probes_is_told_from_a_way_that_is_broken() -> None:
    near = Service(at(0), "health", "https", "https://far.example/health")
    samples = sorted([*session(60), near, *checks([False] * 4)], key=lambda sample: sample.t)
    text = str(view_of(samples, 60).verdict.text)
    assert text.endswith("far.example answers probes (0 of 120 lost), so the way there is open.")


def test_a_handshake_that_hangs_after_connecting_may_be_the_mtu() -> None:
    def hangs(phases: Phases) -> list[str]:
        late = [Check(at(n), "health", "timeout", Sentence("late"), phases=phases) for n in (1, 2, 3)]
        return [str(finding.text) for finding in view_of([WEB, *late], 4).services[0].findings]

    (said,) = hangs(Phases(connect_us=40_000))
    assert said.endswith("longpipe path console.vast.ai --mtu")
    assert hangs(Phases()) == hangs(Phases(connect_us=1, tls_us=1)) == []


def test_what_was_down_from_the_first_look_is_said_to_be_so_for_at_least_that_long() -> None:
    row = view_of([WEB, *checks([False] * 3)], 20).services[0]
    assert (row.state, row.at_least, row.since_ns) == ("down", True, at(5))
    assert "at least 15 s" in str(view_of([WEB, *checks([False] * 3)], 20).verdict.text)


def test_a_box_with_services_alone_is_ok_when_all_are_up_and_not_before_that_is_decided() -> None:
    assert view_of([WEB, *checks([True] * 2)], 11).verdict.severity == "unknown"
    assert str(view_of([WEB, *checks([True] * 3)], 16).verdict.text) == "Every service is up: 1 of 1."


def test_graver_trouble_of_the_paths_stays_the_verdict_and_the_service_is_evidence() -> None:
    samples = sorted([*session(300, lossy=5), WEB, *checks([False] * 60)], key=lambda sample: sample.t)
    seen = view_of(samples, 300)
    assert str(seen.verdict.text).startswith("Loss")
    assert "health has been down" in str(seen.verdict.evidence[0])


def test_times_are_of_good_checks_and_failures_are_counted() -> None:
    row = view_of([WEB, *checks([True] * 3 + [False] + [True] * 96, every_s=1)], 100).services[0]
    assert (row.checks, row.failed, row.state) == (100, 1, "up")
    assert (row.p50_us, row.p99_us) == (51, 100)


def test_checks_older_than_ten_minutes_are_not_counted() -> None:
    row = view_of([WEB, *checks([True] * 200)], 1000).services[0]
    assert row.checks == 120


def test_a_certificate_near_its_end_warns_while_the_service_is_up() -> None:
    for days, severity in ((20, "ok"), (13, "warn")):
        shown = Certificate("TLSv1.3", expires_s=at(0) // 10**9 + days * 86_400 + 3600, name_matches=True)
        good = [Check(at(n), "health", certificate=shown, phases=Phases(whole_us=1)) for n in (1, 2, 3)]
        seen = view_of([WEB, *good], 4)
        assert (seen.services[0].state, seen.verdict.severity) == ("up", severity)
        if severity == "warn":
            assert str(seen.verdict.text) == "health: The certificate ends in 13 days. Renew it."


def test_a_name_that_one_resolver_knows_is_a_warning_not_the_end() -> None:
    name = Service(at(0), "dns:far.example", "dns", "dns:far.example")
    answers = (DnsAnswer("8.8.8.8", "A", failure="timeout"), DnsAnswer("9.9.9.9", "A", "NOERROR", ("192.0.2.1",)))
    failing = [Check(at(n), name.name, "answer", REFUSED, answers=answers) for n in (1, 2, 3)]
    assert view_of([name, *failing], 4).services[0].severity == "warn"
    nobody = [Check(at(n), name.name, "answer", REFUSED, answers=answers[:1]) for n in (1, 2, 3)]
    assert view_of([name, *nobody], 4).services[0].severity == "bad"


def test_checks_of_unknown_services_are_passed_over() -> None:
    assert view_of(checks([False] * 5, name="stranger"), 60).services == ()


def ports(second: float, *rows: PortRow) -> Ports:
    return Ports(at(second), "head", "192.0.2.9", rows=rows)


def events_of(samples: list[Sample]) -> list[Event]:
    services = Services()
    return [event for sample in samples for event in services.fold(sample)]


def test_a_port_that_opens_though_it_must_not_is_an_event_once_and_so_is_its_end() -> None:
    shut, opened = PortRow(8265, False, "filtered"), PortRow(8265, False, "open")
    found = events_of([ports(1, shut), ports(2, opened), ports(3, opened), ports(4, shut)])
    assert [(event.t, event.severity, str(event.text)) for event in found] == [
        (at(2), "bad", "head, port 8265: open, and it must not be reachable"),
        (at(4), "notice", "head, port 8265: filtered: no answer"),
    ]


def test_ports_that_are_not_as_they_must_be_are_the_verdict() -> None:
    seen = view_of([ports(1, PortRow(22, True, "closed"), PortRow(8265, False, "open"))], 2)
    assert seen.verdict.severity == "bad"
    assert str(seen.verdict.text).startswith("head, port 22: refused")
    assert "refused. Ports not as they must be: 2 of 2." in str(seen.verdict.text)
