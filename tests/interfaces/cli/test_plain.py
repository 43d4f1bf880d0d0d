"""What a person reads cannot steer the terminal, and figures have units."""

import pytest

from interfaces.cli import show
from interfaces.cli.plain import in_json, milliseconds, plain, seconds, shape, size


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        ("doc\u202eexe.txt", "doc\\u202eexe.txt"),
        ("a\nb\r", "a\\nb\\r"),
        ("\x9b31m", "\\x9b31m"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\ud800", "\\ud800"),
        ("größe, 模型", "größe, 模型"),
    ],
)
def test_what_is_invisible_is_shown_as_what_it_is(hostile: str, shown: str) -> None:
    assert plain(hostile) == shown


def test_several_lines_keep_their_ends_and_nothing_else() -> None:
    assert plain("a\n\tb\x1b", one_line=False) == "a\n\tb\\x1b"


def test_markup_in_a_name_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    show.line(show.text("[red]x[/red] [link=http://evil]y[/link] \x1b[31m"))
    assert capsys.readouterr().out == "[red]x[/red] [link=http://evil]y[/link] \\x1b[31m\n"


def test_a_table_keeps_every_cell_whole_outside_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    show.table(("Name", ">Size"), [("n" * 60, "1 kB")])
    assert "n" * 60 in capsys.readouterr().out


def test_json_is_ascii() -> None:
    assert in_json({"name": "\x9b\u202e"}) == '{"name": "\\u009b\\u202e"}'


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (size(0), "0 B"),
        (size(999), "999 B"),
        (size(287_615), "288 kB"),
        (size(10_000_000_000), "10 GB"),
        (size(None), "–"),
        (milliseconds(0.0421), "42 µs"),
        (milliseconds(3.14159), "3.14 ms"),
        (milliseconds(2500), "2.50 s"),
        (seconds(5.04), "5.0 s"),
        (seconds(61), "1 min 1 s"),
        (seconds(7260), "2 h 1 min"),
        (shape({"name": "image", "dtype": "float32", "shape": ["N", "1"]}), "image float32 [N, 1]"),
    ],
)
def test_figures_have_units(found: str, shown: str) -> None:
    assert found == shown
