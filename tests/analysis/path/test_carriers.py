"""Carrier lines are told from recorded traces, traps and all; what is not known is not guessed."""

import ipaddress
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.path.carriers import TableError, identify, parse_table, told
from analysis.text import told as text_of
from collectors.base import Unavailable
from collectors.carriers import asn_database, asn_in, load_table

TRACES = sorted((Path(__file__).parents[2] / "fixtures/traces").glob("*.toml"))
TABLE = load_table()


@pytest.mark.parametrize("file", TRACES, ids=lambda file: file.stem)
def test_a_recorded_trace_is_told_as_expected(file: Path) -> None:
    trace = tomllib.loads(file.read_text())
    asns = {hop["address"]: hop.get("asn") for hop in trace["hop"]}
    carrier = identify([(hop["ttl"], hop["address"]) for hop in trace["hop"]], TABLE, asns.get)
    expect = {"via": ""} | trace["expect"]
    found = {
        "long_haul": carrier.long_haul.id if carrier.long_haul else "",
        "via": carrier.via.id if carrier.via else "",
        "landing": carrier.landing.id if carrier.landing else "",
        "product": carrier.product or "",
        "probable": carrier.probable,
    }
    assert found == expect, trace["why"]


@given(st.lists(st.tuples(st.integers(1, 40), st.ip_addresses().map(str) | st.text(max_size=12)), max_size=20))
def test_any_hops_get_an_answer_that_says_no_more_than_its_evidence(hops: list[tuple[int, str]]) -> None:
    carrier = identify(hops, TABLE)
    lines = {hop.line for hop in carrier.evidence}
    assert carrier.long_haul is None or carrier.long_haul in lines
    assert carrier.landing is None or carrier.landing in lines
    assert text_of(told(carrier), str)


@given(st.ip_addresses())
def test_the_longest_prefix_tells(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    nets = [
        (ipaddress.ip_network(prefix.net), prefix)
        for rows in TABLE.prefixes.values()
        for _length, by_bits in rows
        for prefix in by_bits.values()
    ]
    holding = [(net.prefixlen, prefix) for net, prefix in nets if address in net]
    longest = max(holding, key=lambda pair: pair[0])[1] if holding else None
    assert TABLE.find(str(address)) == longest


def test_every_row_has_a_source_and_no_prefix_comes_twice() -> None:
    rows = tomllib.loads((Path(__file__).parents[3] / "analysis/path/carriers.toml").read_text())
    assert all(row["source"] for row in (*rows["line"], *rows["prefix"]))
    nets = [row["net"] for row in rows["prefix"]]
    assert len(nets) == len(set(nets))


def test_a_persons_own_rows_add_to_the_table_and_replace_it(tmp_path: Path) -> None:
    (tmp_path / "carriers.toml").write_text(
        '[[line]]\nid = "own"\nname = "Our line"\nasns = [64500]\nlong_haul = true\nrank = 9\nsource = "us"\n'
        '[[prefix]]\nnet = "59.43.0.0/16"\nline = "own"\nsource = "us"\n'
    )
    table = load_table(tmp_path)
    assert table.lines[table.find("59.43.1.1").line].name == "Our line"
    assert table.lines[table.find("202.97.1.1").line].id == "163"


@pytest.mark.parametrize(
    "text",
    [
        "[[prefix",
        '[[prefix]]\nnet = "x"\nline = "cn2"\nsource = "s"',
        '[[prefix]]\nnet = "1.0.0.0/8"\nline = "no"\nsource = "s"',
    ],
)
def test_a_wrong_table_says_what_is_wrong(text: str) -> None:
    with pytest.raises(TableError) as caught:
        parse_table(text)
    assert str(caught.value.problem)


@pytest.mark.parametrize(
    ("record", "asn"),
    [
        ({"autonomous_system_number": 4809}, 4809),
        ({"asn": "AS58807"}, 58807),
        ({"asn": "x"}, None),
        (None, None),
        ([], None),
    ],
)
def test_records_of_maxmind_and_ipinfo_give_an_as_number(record: object, asn: int | None) -> None:
    assert asn_in(record) == asn


def test_a_file_that_is_no_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    bad = tmp_path / "bad.mmdb"
    bad.write_bytes(b"nothing")
    with pytest.raises(Unavailable) as caught:
        asn_database(bad)
    assert str(caught.value.problem)
