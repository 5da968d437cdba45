"""What is shared is what was chosen, and nothing of whose it was."""

import csv
import io
import string
from ipaddress import ip_address
from pathlib import Path
from typing import get_args

import msgspec
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.samples import (
    AnySample,
    Fact,
    Facts,
    Health,
    LinkCounters,
    LinkInfo,
    LinkInfos,
    Links,
    Mark,
    Name,
    ProbeNote,
    Prober,
    Probes,
    QdiscCounters,
    Qdiscs,
    Rdma,
    RdmaPort,
    Route,
    Routes,
    Sample,
    Series,
    TcpFlow,
    TcpFlows,
)
from analysis.text import Sentence
from collectors.session.export import Selection, excerpt, write_excerpt
from collectors.session.filestore import FileStore
from collectors.session.header import CollectorNote
from collectors.session.reader import SessionFile
from collectors.session.redact import SCRUBBED, Redactor
from collectors.session.tables import csv_lines, json_lines, prometheus_lines
from tests.collectors.session.samples import SECOND, T0, TOOL, a_header, a_second, a_session, write_session

EVERYTHING = Selection(0, 1 << 62)
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

letters = st.text(string.ascii_lowercase, min_size=5, max_size=9).map(lambda text: "zq" + text)
names = st.lists(letters, min_size=14, max_size=14, unique=True)
hosts = st.integers(0x0B000001, 0xDF000000).map(ip_address).filter(lambda a: a.is_global)
addresses = st.lists(hosts.map(str), min_size=6, max_size=6, unique=True)
wide_hosts = st.integers(0x2A << 120, 0x2B << 120).map(ip_address).filter(lambda a: a.is_global)
wide = st.lists(wide_hosts.map(str), min_size=4, max_size=4, unique=True)
macs = st.binary(min_size=6, max_size=6).filter(lambda raw: raw[0] not in (0, 2, 255)).map(lambda raw: raw.hex(":"))


def full_of_names(n: list[str], a: list[str], w: list[str], mac: str) -> list[Sample]:
    """Return a session in which every text that can tell whose it is does."""
    interface, vlan, device, netdev, route, target, other, person, secret, resolver, ghost = n[:11]
    vlan = f"{vlan}.100"
    via = f"dev {interface} via {a[0]} src {a[1]}"
    trouble = Sentence("Cannot reach {what} by {how}: {why}", {"what": target, "how": via, "why": f"{ghost}!"})
    totals = (True, 1, 2, 3, 4, 5, 6, 7, 8)
    own = LinkInfo(interface, 1500, "mlx5_core", mac=mac, addresses=(f"{a[1]}/24", f"{w[3].upper()}/64"))
    port = RdmaPort(device, 1, "Ethernet", "ACTIVE", netdev=netdev, counters={"out_of_sequence": 4})
    conf = f"net.ipv4.conf.{vlan.replace('.', '/')}.rp_filter"
    modules = f"/lib/modules/6.1.0-{secret}"
    return [
        Health(T0, "paths", "failed", trouble),
        Prober(T0, 4, "none", "user", trouble),
        Routes(T0, (Route(via, route, 4, interface, a[0], a[1]), Route(f"dev {vlan}", vlan, 6, vlan, w[0]))),
        Name(T0, target, (a[2], w[1]), trouble),
        Name(T0, f"{other}.example.com", (), trouble),
        Series(T0, 1, target, a[2], route=via),
        Series(T0, 2, f"{other}.example.com", w[1]),
        Series(T0, 3, a[3], a[3]),
        Series(T0, 4, resolver, w[2]),
        Probes(T0 + 1, (1, 2), (1, 1), (5, 3), (None, None), (ProbeNote(0, "icmp 3/1", a[4]), ProbeNote(1, "EPERM"))),
        Links(
            T0,
            (LinkCounters(interface, *totals), LinkCounters(vlan, *totals)),
        ),
        LinkInfos(T0, (own,)),
        Qdiscs(T0, (QdiscCounters(interface, "fq", "8001:", "root", 1, 2, 3, 4, 5),)),
        TcpFlows(T0, (TcpFlow(a[1], a[5], 22, 50_000, "bbr", *(1,) * 14),)),
        Rdma(T0, (port,), trouble),
        Facts(
            T0,
            {
                f"link.{interface}.driver": Fact("mlx5_core", f"/sys/class/net/{interface}/device/driver"),
                f"link.{vlan}.master": Fact(interface, "netlink"),
                f"sysctl.{conf}": Fact("1", f"/proc/sys/net/ipv4/conf/{vlan}"),
                "kernel.release": Fact(f"6.1.0-{secret}", "/proc/sys/kernel/osrelease"),
                "os.name": Fact(f"{secret} Linux", "/etc/os-release"),
                "module.sch_fq": Fact("builtin", modules),
                "management.peer": Fact(a[5], "SSH_CONNECTION"),
                "rdma.devices": Fact(f"{device} {ghost}", "/sys/class/infiniband"),
                "sysctl.net.ipv4.tcp_rmem": Fact("4096 131072 6291456", "/proc/sys/net/ipv4/tcp_rmem"),
                "sysctl.net.core.default_qdisc": Fact("fq_codel", "/proc/sys/net/core/default_qdisc"),
                "broken": Fact(None, f"ethtool -k {interface}", trouble),
            },
        ),
        Mark(T0 + 2, f"call {person} about {w[2]} on {target}"),
        Mark(T0 + 3, person),
    ]


def unpacked(path: Path) -> str:
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as reader:
        return reader.read().decode()


def test_a_redacted_session_holds_none_of_its_names(tmp_path: Path) -> None:
    @FEW
    @given(names, addresses, wide, macs)
    def check(n: list[str], a: list[str], w: list[str], mac: str) -> None:
        config = {
            "targets": [{"host": n[5], "name": n[11]}, {"host": a[3]}],
            "routes": [{"name": n[4], "interface": n[0], "source": a[1]}],
            "theme": n[12],
        }
        needs = (CollectorNote("paths", (Sentence("needs {what}", {"what": n[13]}),)),)
        header = msgspec.structs.replace(a_header(host=n[10] + ".corp"), config=config, collectors=needs)
        for leftover in tmp_path.iterdir():
            leftover.unlink()
        source = SessionFile(write_session(tmp_path / "in.lps", full_of_names(n, a, w, mac), header), TOOL)
        write_excerpt(FileStore([source]), EVERYTHING, tmp_path / "out.lps", redact=True)
        text = unpacked(tmp_path / "out.lps").lower()
        index = (tmp_path / "out.lps.idx").read_bytes().partition(b"\n")[0].decode().lower()
        for secret in (*n, *a, *w, *(ip_address(x).exploded for x in w), mac, header.session):
            assert secret.lower() not in text
            assert secret.lower() not in index
        source.close()

    check()


@pytest.mark.parametrize("kind", get_args(AnySample), ids=lambda kind: kind.__name__)
def test_every_kind_of_sample_can_be_redacted(kind: type[Sample]) -> None:
    @settings(FEW, max_examples=8)
    @given(from_type(msgspec.inspect.type_info(kind)))
    def check(sample: Sample) -> None:
        redactor = Redactor()
        redactor.learn(sample)
        hidden = redactor.sample(sample)
        assert type(hidden) is kind
        assert hidden.t == sample.t
        written = msgspec.json.encode(hidden).decode()
        assert "zqsecret" not in written
        assert ("at {what}" in written) == ("at {what}" in msgspec.json.encode(sample).decode())

    check()


def is_text(kind: msgspec.inspect.Type) -> bool:
    return isinstance(kind, msgspec.inspect.StrType | msgspec.inspect.UnionType)


def from_type(kind: msgspec.inspect.Type) -> st.SearchStrategy[object]:
    """Return values of a msgspec type whose free texts are all secrets."""
    match kind:
        case msgspec.inspect.StructType(cls=cls) if cls is Sentence:
            inner = Sentence("in {what}", {"what": "zqsecret"})
            return st.just(Sentence("at {what}: {why}", {"what": "zqsecret", "why": inner}))
        case msgspec.inspect.StructType(cls=cls, fields=fields):
            kept = SCRUBBED - {"text"}
            plain = {field.name: st.just("plain") for field in fields if field.name in kept and is_text(field.type)}
            return st.builds(cls, **{field.name: from_type(field.type) for field in fields} | plain)
        case msgspec.inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case msgspec.inspect.UnionType(types=types):
            return st.one_of([from_type(one) for one in types])
        case msgspec.inspect.VarTupleType(item_type=item):
            return st.lists(from_type(item), max_size=2).map(tuple)
        case msgspec.inspect.TupleType(item_types=items):
            return st.tuples(*(from_type(item) for item in items))
        case msgspec.inspect.DictType(value_type=value):
            return st.dictionaries(st.just("key"), from_type(value), max_size=1)
        case msgspec.inspect.StrType():
            return st.sampled_from(["zqsecret", "zqsecret.example", "a zqsecret-1 b", "zqsecret:9"])
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.FloatType():
            return st.floats(0, 1e6)
        case msgspec.inspect.NoneType():
            return st.none()
        case _:
            return st.integers(0, 1000)


def test_redaction_is_consistent_and_keeps_what_is_useful(tmp_path: Path) -> None:
    n = [f"zq{letter * 5}" for letter in string.ascii_lowercase[:14]]
    a = [f"11.22.33.{octet}" for octet in range(1, 7)]
    w = [f"2a00::{octet}" for octet in range(1, 5)]
    write_session(tmp_path / "in.lps", full_of_names(n, a, w, "aa:bb:cc:dd:ee:ff"))
    store = FileStore([SessionFile(tmp_path / "in.lps", TOOL)])
    write_excerpt(store, EVERYTHING, tmp_path / "out.lps", redact=True)
    write_excerpt(store, EVERYTHING, tmp_path / "again.lps", redact=True)
    out = SessionFile(tmp_path / "out.lps", TOOL)
    samples = list(out.samples())
    found = {type(sample): sample for sample in samples}
    routes, facts, links = found[Routes].routes, found[Facts].facts, found[LinkInfos].links
    first = next(sample for sample in samples if isinstance(sample, Series))
    assert first.route == routes[0].id
    assert routes[0].interface == links[0].name
    assert routes[0].source == links[0].addresses[0].removesuffix("/24")
    assert first.address in next(sample for sample in samples if isinstance(sample, Name)).addresses
    assert facts[f"link.{links[0].name}.driver"].value == "mlx5_core"
    assert facts["sysctl.net.ipv4.tcp_rmem"].value == "4096 131072 6291456"
    assert facts["sysctl.net.core.default_qdisc"].value == "fq_codel"
    assert facts["kernel.release"].value == "6.1.0"
    assert found[Qdiscs].rows[0].handle == "8001:"
    assert found[Probes].notes[0].reason == "icmp 3/1"
    assert found[Rdma].ports[0].counters == {"out_of_sequence": 4}
    assert [sample.t for sample in samples] == [sample.t for sample in store.between(0, 1 << 62)]
    assert out.header.redacted
    assert out.header.session != SessionFile(tmp_path / "again.lps").header.session


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "0.0.0.0", "::", "255.255.255.255", "ff02::1", "224.0.0.1"])
def test_addresses_that_everybody_has_stay(tmp_path: Path, address: str) -> None:
    write_session(tmp_path / "in.lps", [Series(T0, 1, "gateway", address)])
    write_excerpt(FileStore([SessionFile(tmp_path / "in.lps", TOOL)]), EVERYTHING, tmp_path / "out.lps", redact=True)
    assert list(SessionFile(tmp_path / "out.lps", TOOL).samples()) == [Series(T0, 1, "gateway", address)]


def test_an_excerpt_stands_on_its_own(tmp_path: Path) -> None:
    whole = FileStore([SessionFile(write_session(tmp_path / "in.lps", a_session(300)), TOOL)])
    start, end = T0 + 100 * SECOND, T0 + 200 * SECOND
    count = write_excerpt(whole, Selection(start, end, ("target2.example",)), tmp_path / "out.lps", redact=False)
    file = SessionFile(tmp_path / "out.lps", TOOL)
    store = FileStore([file])
    assert file.header.excerpt
    assert (file.start_ns, file.end_ns) == (start + SECOND, end)
    assert count == 102
    probes = [sample for sample in store.between(start, end) if isinstance(sample, Probes)]
    assert {sample.series for sample in probes} == {(2,)}
    assert [sample.rtt_us for sample in probes] == [(a_second(second).rtt_us[1],) for second in range(101, 201)]
    everything = list(store.between(0, 1 << 62))
    assert [sample.id for sample in everything if isinstance(sample, Series)] == [2]
    assert isinstance(everything[0], Health)
    assert [sample.id for sample in store.definitions(end) if isinstance(sample, Series)] == [2]
    again = FileStore([SessionFile(write_session(tmp_path / "flat.lps", everything), TOOL)])
    assert list(again.between(start, end)) == list(store.between(start, end))
    whole_columns = store.columns(start, end + 60 * SECOND, 60 * SECOND)
    assert sum(column.answered for column in whole_columns[2]) == 100


def test_csv_has_a_row_a_probe_and_no_formulas(tmp_path: Path) -> None:
    samples = [Series(T0, 1, "=cmd|'/c calc'!A0", "192.0.2.1"), a_second(3, 1), a_second(4, 1), a_second(5, 1)]
    rows = list(csv.DictReader(io.StringIO("".join(csv_lines(samples)))))
    assert [row["outcome"] for row in rows] == ["lost", "late", "answered"]
    assert [row["rtt_ms"] for row in rows] == ["", "", f"{a_second(5, 1).rtt_us[0] / 1000:.3f}"]
    assert rows[0]["target"] == "'=cmd|'/c calc'!A0"
    assert rows[0]["time"] == "2025-11-13T02:13:22.900000Z"


def test_json_lines_are_a_session(tmp_path: Path) -> None:
    samples = a_session(30)
    path = tmp_path / "out.jsonl"
    path.write_text("".join(json_lines(a_header(), samples)))
    assert list(SessionFile(path, TOOL).samples()) == samples


def test_prometheus_text_adds_up(tmp_path: Path) -> None:
    store = FileStore([SessionFile(write_session(tmp_path / "in.lps", a_session(100)), TOOL)])
    lines = "".join(prometheus_lines(excerpt(store, EVERYTHING, redact=False).samples)).splitlines()
    labels = 'target="target1.example",address="192.0.2.1",protocol="icmp",route="wan"'
    assert f'longpipe_probes_total{{{labels},outcome="lost"}} 10' in lines
    assert f'longpipe_probes_total{{{labels},outcome="late"}} 10' in lines
    assert f'longpipe_rtt_seconds_bucket{{{labels},le="0.01"}} 0' in lines
    assert f'longpipe_rtt_seconds_bucket{{{labels},le="+Inf"}} 80' in lines
    assert f"longpipe_rtt_seconds_count{{{labels}}} 80" in lines
