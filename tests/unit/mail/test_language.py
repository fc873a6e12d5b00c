"""A language is whole, or the service does not start: a shop's own words are checked before any mail."""

import shutil
from pathlib import Path

import pytest

from mail.language import FOLDER, Language, Unfit, languages


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A shop's own templates."""
    shutil.copytree(str(FOLDER), tmp_path, dirs_exist_ok=True)
    return tmp_path


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize("name", languages())
def test_every_language_is_whole_and_knows_every_reason(name: str) -> None:
    assert Language.read(name).words.reasons.keys() == Language.read("en").words.reasons.keys()


def test_english_and_vietnamese_are_there() -> None:
    assert {"en", "vi"} <= set(languages())


@pytest.mark.parametrize("name", ["xx", "", ".", "../en", "en/../vi"])
def test_a_language_that_is_not_there_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(Unfit, match="there are en, vi"):
        Language.read(name)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("receipt.html", "$total", "", r"receipt\.html: it must say \$total"),
        ("receipt.txt", "$name", "$nmae", r"receipt\.txt: nothing is known of \$nmae"),
        ("failure.txt", "$reason", "$ reason", r"failure\.txt: a \$ that begins no name"),
        ("line.txt", "$quantity x", "", r"line\.txt: it must say \$quantity"),
        ("verification.html", "$code", "12345678", r"verification\.html: it must say \$code"),
        ("verification.txt", "$code", "Code: $code", r"verification\.txt: \$code must stand alone"),
        ("password_reset.txt", "Hello", "Xin chào", r"password_reset\.txt: .*must be ASCII"),
        ("words.toml", "failure = ", "fialure = ", r"words\.toml: the subjects must be"),
        ("words.toml", '"Your receipt"', r'"Your receipt\r\nBcc: x@example.org"', "printable line"),
        ("words.toml", '"Your receipt"', r'"Your\u2028receipt"', "printable line"),
        ("words.toml", "customer = ", "custom = ", r"words\.toml: .*custom"),
        ("words.toml", "UTC", "giờ", "must be ASCII"),
        ("words.toml", "[subjects]", "[subjects", r"words\.toml: "),
    ],
)
def test_what_is_wrong_is_told_with_its_file(own: Path, file: str, old: str, new: str, told: str) -> None:
    replace(own / "en" / file, old, new)
    with pytest.raises(Unfit, match=told):
        Language.read("en", within=own)


def test_a_file_that_is_missing_is_named(own: Path) -> None:
    (own / "en" / "failure.html").unlink()
    with pytest.raises(Unfit, match=r"failure\.html"):
        Language.read("en", within=own)


def test_a_template_may_leave_out_what_is_not_needed(own: Path) -> None:
    replace(own / "en" / "failure.txt", "Purchase $about", "It costs $$0.")
    said = Language.read("en", within=own).templates["failure.txt"].substitute(name="An", reason="x")
    assert said.endswith("$0.\n")
