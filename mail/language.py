"""The words of one language, from `templates/<language>/`. Checked at start, so that no mail fails later."""

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Template
from typing import NamedTuple

import msgspec

FOLDER = files("mail") / "templates"


class Names(NamedTuple):
    """What a template must name, and what else it may."""

    must: frozenset[str]
    may: frozenset[str] = frozenset()


CODE = Names(frozenset({"code"}), frozenset({"expires_at"}))
MAILS = {
    "verification": CODE,
    "password_reset": CODE,
    "password_changed": Names(frozenset(), frozenset({"changed_on"})),
    "email_changed": Names(frozenset(), frozenset({"changed_on"})),
    "receipt": Names(frozenset({"lines", "total"}), frozenset({"name", "about"})),
    "failure": Names(frozenset({"reason"}), frozenset({"name", "about"})),
}
PIECES = {"line": Names(frozenset({"quantity", "name", "total"}), frozenset({"brand_name", "price"}))}
FORMS = ("txt", "html")


class Unfit(ValueError):
    """What is wrong with a language, and in which file."""


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in no template. `moment` and `day` are strftime's; `thousands` stands in amounts."""

    customer: str
    thousands: str
    point: str
    moment: str
    day: str
    any_reason: str
    subjects: Mapping[str, str]
    reasons: Mapping[str, str]


class Language(NamedTuple):
    """`templates` has every one of MAILS and PIECES in both FORMS, by the name of its file."""

    words: Words
    templates: Mapping[str, Template]

    @classmethod
    def read(cls, name: str, *, within: Traversable = FOLDER) -> "Language":
        """Raises Unfit."""
        if name not in languages(within):
            raise Unfit(f"no templates for the language {name!r}; there are {', '.join(languages(within))}")
        folder = within / name
        templates = {
            f"{template}.{form}": _template(folder / f"{template}.{form}", names, is_code=names is CODE)
            for template, names in (MAILS | PIECES).items()
            for form in FORMS
        }
        return cls(_words(folder / "words.toml"), templates)


def languages(within: Traversable = FOLDER) -> list[str]:
    return sorted(folder.name for folder in within.iterdir() if folder.is_dir())


def _template(file: Traversable, names: Names, *, is_code: bool) -> Template:
    template = Template(_text(file))
    if not template.is_valid():
        raise Unfit(f"{file}: a $ that begins no name; write $$")
    used = set(template.get_identifiers())
    if missing := names.must - used:
        raise Unfit(f"{file}: it must say ${', $'.join(sorted(missing))}")
    if unknown := used - names.must - names.may:
        raise Unfit(f"{file}: nothing is known of ${', $'.join(sorted(unknown))}")
    if is_code and file.name.endswith(".txt"):
        _check_code(file, template.template)
    return template


def _check_code(file: Traversable, text: str) -> None:
    """Programs read it: a line of its own, in a part that no server has a reason to encode."""
    if "$code" not in text.splitlines() or not text.isascii():
        raise Unfit(f"{file}: $code must stand alone on a line, and the text must be ASCII")


def _words(file: Traversable) -> Words:
    try:
        words = msgspec.toml.decode(_text(file), type=Words)
    except msgspec.DecodeError as error:
        raise Unfit(f"{file}: {error}") from error
    if words.subjects.keys() != MAILS.keys():
        raise Unfit(f"{file}: the subjects must be those of {', '.join(MAILS)}")
    if not all(line.isprintable() for line in (*words.subjects.values(), *words.reasons.values())):
        raise Unfit(f"{file}: a subject or a reason is more than one printable line")
    if not words.moment.isascii():
        raise Unfit(f"{file}: `moment` stands in mails with codes and must be ASCII")
    return words


def _text(file: Traversable) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unfit(f"{file}: {error}") from error
