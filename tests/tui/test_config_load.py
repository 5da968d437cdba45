"""What a person sets is taken exactly, or refused with its place and a way out."""

import dataclasses
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from analysis.settings import Objectives, RouteSettings, ScoreSettings, Settings, TargetSettings
from tui.cli import CommandError, Exit
from tui.config.load import Configuration, Option, load
from tui.config.write import show, template


@dataclasses.dataclass
class Box:
    """A box with its two configuration files."""

    system: Path
    home: Path

    @property
    def own(self) -> Path:
        return self.home / ".config/longpipe/config.toml"

    def write(self, text: str) -> Path:
        self.own.parent.mkdir(parents=True, exist_ok=True)
        self.own.write_text(text)
        return self.own

    def load(self, *options: Option, file: str | None = None, **variables: str) -> Configuration:
        return load(options, file=file, environ={"HOME": str(self.home), **variables}, system_file=self.system)

    def refusal(self, *options: Option, **more) -> str:
        with pytest.raises(CommandError) as caught:
            self.load(*options, **more)
        assert caught.value.code == Exit.USAGE
        return str(caught.value)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "system.toml", tmp_path)


def test_without_any_file_everything_is_as_shipped(box: Box) -> None:
    configuration = box.load()
    assert configuration.settings == Settings()
    assert not configuration.origins
    assert not configuration.files


def test_option_beats_variable_beats_own_file_beats_system_file(box: Box) -> None:
    box.system.write_text("slow = true\nrefresh_s = 2\ngpus = 1\ntheme = 'nord'\n[score]\nhysteresis = 0.2\n")
    own = box.write("refresh_s = 3\ngpus = 2\ntheme = 'dracula'\n[score]\nloss_weight = 1\n")
    found = box.load(Option(("theme",), "--theme", "gruvbox"), LONGPIPE_GPUS="4", LONGPIPE_THEME="monokai")
    assert found.settings == Settings(
        slow=True, refresh_s=3, gpus=4, theme="gruvbox", score=ScoreSettings(hysteresis=0.2, loss_weight=1)
    )
    assert found.origins == {
        ("slow",): f"{box.system}:1",
        ("refresh_s",): f"{own}:1",
        ("gpus",): "LONGPIPE_GPUS",
        ("theme",): "--theme",
        ("score", "hysteresis"): f"{box.system}:6",
        ("score", "loss_weight"): f"{own}:5",
    }
    assert found.files == (str(box.system), str(own))


def test_a_named_file_stands_in_for_the_own_one(box: Box, tmp_path: Path) -> None:
    box.write("gpus = 2")
    other = tmp_path / "other.toml"
    other.write_text("slow = true")
    assert box.load(file=str(other)).settings == Settings(slow=True)
    assert f"{tmp_path / 'gone.toml'} cannot be read" in box.refusal(file=str(tmp_path / "gone.toml"))


def test_targets_replace_targets(box: Box) -> None:
    box.write("[[targets]]\nhost = 'a'\ninterval_s = 5\n[[targets]]\nhost = 'b'\n")
    assert [t.host for t in box.load().settings.targets] == ["a", "b"]
    given = box.load(Option(("targets",), "command line", [{"host": "c"}]))
    assert given.settings.targets == (TargetSettings("c"),)
    assert given.origins == {("targets", 0, "host"): "command line"}
    assert [t.host for t in box.load(LONGPIPE_TARGETS="x, y").settings.targets] == ["x", "y"]


def test_how_to_reach_a_service_is_not_asked_of_gateways_and_resolvers(box: Box) -> None:
    found = box.load(Option(("targets", "protocol"), "--tcp", "tcp")).settings.targets
    assert {target.protocol for target in found if target.host in ("gateway", "resolvers")} == {"auto"}
    assert {target.protocol for target in found if target.host not in ("gateway", "resolvers")} == {"tcp"}


def test_an_option_for_probes_reaches_every_target(box: Box) -> None:
    box.write("[[targets]]\nhost = 'a'\ninterval_s = 5\n[[targets]]\nhost = 'b'\n")
    found = box.load(Option(("targets", "interval_s"), "--interval", 0.5))
    assert [t.interval_s for t in found.settings.targets] == [0.5, 0.5]
    assert found.origins["targets", 0, "interval_s"] == "--interval"
    assert all(t.dscp == 46 for t in box.load(Option(("targets", "dscp"), "--dscp", 46)).settings.targets)
    assert box.refusal(Option(("targets", "interval_s"), "--interval", 0.0)).startswith(
        "--interval: interval_s must be a number from 0.001 to 3600, not 0.0"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "\n[[targets]]\nhost = 'a'\ninterval = 2",
            ':4: unknown key "interval" in [[targets]]; did you mean "interval_s"?',
        ),
        ("[scroe]\n", ':1: unknown key "scroe" in the top; did you mean "score"?'),
        ("[score]\n\nlatency = 1", ':3: unknown key "latency" in [score]; did you mean "latency_weight"?'),
        ("zzz = 1", ':1: unknown key "zzz" in the top; there are: targets, routes,'),
        ("[objectives]\nloss_ratio = 2", ":2: objectives.loss_ratio must be a number above 0, up to 1, not 2"),
        ("refresh_s = inf", ":1: refresh_s must be a number from 0.1 to 60, not inf"),
        ("[score]\nlatency_zero_ms = inf", "must be a number above 0, not inf"),
        ("[score]\nlatency_zero_ms = nan", "must be a number above 0, not nan"),
        ("slow = 1", ":1: slow must be true or false, not 1"),
        ("mouse = 'no'", ':1: mouse must be one of "auto", "off", "on", not "no"'),
        ("theme = 2020-01-01", ":1: theme must be a text that is not empty, not 2020-01-01"),
        ("targets = 'a'", ":1: targets must be a list of tables"),
        ("score = 1", ":1: score must be a table, not 1"),
        ("[[targets]]\ndscp = 64\n", ":2: targets[0].dscp must be a whole number from 0 to 63, not 64"),
        ("[[targets]]\n\n\n[[targets]]\nhost = 'a'\n", ":1: targets[0].host is missing"),
        ("slow = true\nslow = false\n", ":2: not TOML:"),
        ("[[targets]\n", ":1: not TOML:"),
        ("x = '''\n\n", ":3: not TOML:"),
        ("'\\u001b[31m' = 1", ":1: unknown key"),
        ("x = " + "[" * 5000, "nested too deep"),
        ("x = " + "9" * 5000, "not TOML:"),
    ],
)
def test_a_mistake_is_told_with_its_line(box: Box, text: str, told: str) -> None:
    own = box.write(text)
    refusal = box.refusal()
    assert told in refusal
    assert refusal.startswith(str(own))
    assert "\x1b" not in refusal


def test_all_mistakes_are_told_at_once(box: Box) -> None:
    own = box.write("gpus = 0\nslwo = true\n")
    assert [line.split(": ")[0] for line in box.refusal().splitlines()[:2]] == [f"{own}:1", f"{own}:2"]


def test_mistakes_in_the_environment_are_told(box: Box) -> None:
    assert "LONGPIPE_GPUS: gpus must be a whole number from 1 up" in box.refusal(LONGPIPE_GPUS="many")
    assert "unknown environment variable LONGPIPE_THEEM; did you mean LONGPIPE_THEME?" in box.refusal(
        LONGPIPE_THEEM="x"
    )
    assert box.load(LONGPIPE_GPUS="", LONGPIPE_SLOW="true").settings == Settings(slow=True)


def test_files_that_cannot_be_read_are_told(box: Box) -> None:
    assert "not UTF-8" in refusal_of(box, b"a = 1\n# \xff")
    assert ":2: not UTF-8" in refusal_of(box, b"a = 1\n# \xff")
    assert "larger than 1 MiB" in refusal_of(box, b"#" * (1 << 20) + b"\n")
    box.own.unlink()
    box.own.mkdir()
    assert "cannot be read" in box.refusal()


def refusal_of(box: Box, content: bytes) -> str:
    box.write("")
    box.own.write_bytes(content)
    return box.refusal()


def test_a_relative_xdg_directory_is_ignored(box: Box) -> None:
    box.write("gpus = 3")
    assert box.load(XDG_CONFIG_HOME="relative").settings.gpus == 3
    assert box.load(XDG_CONFIG_HOME=str(box.home / "elsewhere")).settings.gpus is None


def test_sudo_is_told_to_hide_the_own_file(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    own = box.write("gpus = 3")
    person = type("Entry", (), {"pw_dir": str(box.home)})
    monkeypatch.setattr("tui.config.sources.pwd.getpwnam", lambda name: person if name == "ada" else None)
    found = load(environ={"HOME": "/nowhere", "SUDO_USER": "ada"}, system_file=box.system)
    assert found.settings.gpus is None
    assert [str(own) in notice and "--config" in notice for notice in found.notices] == [True]
    assert not load(environ={"HOME": str(box.home), "SUDO_USER": "ada"}, system_file=box.system).notices


TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)
RATIO = st.floats(0, 1)
POSITIVE = st.floats(1e-3, 1e6)
VALID = st.builds(
    Settings,
    targets=st.lists(
        st.builds(
            TargetSettings,
            host=TEXT,
            name=st.none() | TEXT,
            protocol=st.sampled_from(["auto", "icmp", "tcp", "udp"]),
            port=st.none() | st.integers(1, 65535),
            interval_s=st.floats(0.001, 3600),
            dscp=st.integers(0, 63),
            dont_fragment=st.booleans(),
            family=st.sampled_from(["any", "4", "6", "both"]),
            routes=st.lists(TEXT, max_size=2).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    routes=st.lists(st.builds(RouteSettings, name=TEXT, mark=st.none() | st.integers(0, 99)), max_size=2).map(tuple),
    score=st.builds(ScoreSettings, latency_weight=POSITIVE, latency_zero_ms=POSITIVE, hysteresis=RATIO),
    objectives=st.builds(Objectives, latency_ms=POSITIVE, availability_ratio=RATIO),
    gpus=st.none() | st.integers(1, 99),
    language=st.sampled_from(["auto", "en", "zh_CN"]),
    theme=TEXT,
    slow=st.booleans(),
)


@hypothesis_settings(max_examples=60)
@given(VALID)
def test_what_show_prints_is_a_file_that_sets_the_same(tmp_path_factory, settings: Settings) -> None:
    file = tmp_path_factory.mktemp("config") / "config.toml"
    file.write_text(show(Configuration(settings, {})), encoding="utf-8")
    assert load(file=str(file), environ={}, system_file=Path("/nonexistent")).settings == settings


KNOWN = [("", key) for key in Settings.__struct_fields__] + [
    (f"[{section}]", key)
    for section in ("score", "objectives")
    for key in getattr(Settings(), section).__struct_fields__
]


@hypothesis_settings(max_examples=60)
@given(st.sampled_from(KNOWN), st.data())
def test_a_typo_in_a_key_is_told_with_its_line_and_the_right_key(tmp_path_factory, known, data) -> None:
    section, key = known
    at = data.draw(st.integers(1, len(key) - 2))
    typo = key[:at] + key[at + 1] + key[at] + key[at + 2 :]
    if typo == key:
        typo = key[:at] + key[at + 1 :]
    blank = data.draw(st.integers(0, 3))
    file = tmp_path_factory.mktemp("config") / "config.toml"
    file.write_text("\n" * blank + f"{section}\n{typo} = 1\n")
    with pytest.raises(CommandError) as caught:
        load(file=str(file), environ={}, system_file=Path("/nonexistent"))
    assert str(caught.value).startswith(f'{file}:{blank + 2}: unknown key "{typo}"')
    assert f'did you mean "{key}"?' in str(caught.value)


def uncommented(text: str) -> str:
    """Take the sign away from every setting, and leave the explanations."""
    return "\n".join(
        line[1:] if line.startswith("#") and not line.startswith("# ") else line for line in text.split("\n")
    )


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_the_template_sets_nothing_and_shows_everything(tmp_path: Path, language: str) -> None:
    from tui.text import use_language

    use_language(language)
    try:
        text = template()
    finally:
        use_language("en")
    file = tmp_path / "config.toml"
    file.write_text(text)
    assert load(file=str(file), environ={}, system_file=Path("/nonexistent")).settings == Settings()
    file.write_text(uncommented(text))
    found = load(file=str(file), environ={}, system_file=Path("/nonexistent")).settings
    shipped = Settings()
    assert [t.host for t in found.targets] == [t.host for t in shipped.targets]
    assert (found.score, found.objectives, found.theme) == (shipped.score, shipped.objectives, shipped.theme)
    data = tomllib.loads(uncommented(text))
    for section, kind in ((data, Settings), (data["targets"][0], TargetSettings), (data["routes"][0], RouteSettings)):
        assert set(section) == set(kind.__struct_fields__)
    assert msgspec.convert(data, Settings) == found
