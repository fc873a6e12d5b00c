"""What is on the way, in numbers: a multiset of letters is one number, and what becomes of it is kept."""

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, NamedTuple, TypeVar

from tests.model.words import LateAnswer, Word, canonical, hearers, told

T = TypeVar("T", bound=Hashable)

Net = int
Letter = int
Letters = tuple[Letter, ...]
Known = int
"""A set of bits: the words that their hearers' inboxes have."""


class Numbers(Generic[T]):
    """Equal things have the same number."""

    def __init__(self) -> None:
        self.things: list[T] = []
        self._numbers: dict[T, int] = {}

    def of(self, thing: T) -> int:
        number = self._numbers.setdefault(thing, len(self.things))
        if number == len(self.things):
            self.things.append(thing)
        return number


class Copy(NamedTuple):
    """A word on its way to one of its hearers; the broker keeps one for each."""

    to: str
    word: Word


class Post:
    """Every copy ever sent, and the inbox bit by which its hearer knows it again (0: it does not)."""

    def __init__(self, recognises: Callable[[Copy], bool]) -> None:
        self._recognises = recognises
        self._letters = Numbers[Copy]()
        self._bits = Numbers[tuple[str, str]]()
        self.copies = self._letters.things
        self.bits: list[Known] = []

    def letters(self, words: Iterable[Word]) -> Letters:
        return tuple(sorted(self._letter(copy) for word in words for copy in _copies(canonical(word))))

    def told(self, letter: Letter) -> str:
        return f"{self.copies[letter].to}: {told(self.copies[letter].word)}"

    def _letter(self, copy: Copy) -> Letter:
        letter = self._letters.of(copy)
        if letter == len(self.bits):
            bit = 1 << self._bits.of((copy.to, copy.word.id)) if self._recognises(copy) else 0
            self.bits.append(bit)
        return letter


def _copies(word: Word) -> list[Copy]:
    if isinstance(word, LateAnswer):
        return [Copy("payment", word)]
    return [Copy(to, word) for to in hearers(type(word))]


class Nets:
    """Multisets of letters; where a second copy of the same is of no use, sets."""

    def __init__(self, post: Post, *, are_sets: bool) -> None:
        self.post = post
        self.are_sets = are_sets
        self._nets = Numbers[Letters]()
        self._bits: list[Known] = []
        self._each: dict[Net, list[tuple[Letter, Net]]] = {}
        self._plus: dict[tuple[Net, Letters], Net] = {}
        self._less: dict[tuple[Net, Known], Net] = {}
        self.empty = self._number(())

    def letters(self, net: Net) -> Letters:
        return self._nets.things[net]

    def bits(self, net: Net) -> Known:
        return self._bits[net]

    def each(self, net: Net) -> list[tuple[Letter, Net]]:
        """Every different letter, and what is on the way without it."""
        found = self._each.get(net)
        if found is None:
            letters = self.letters(net)
            found = self._each[net] = [
                (letter, self._without(letters, letter)) for letter in dict.fromkeys(letters)
            ]
        return found

    def plus(self, net: Net, sent: Letters) -> Net:
        key = (net, sent)
        found = self._plus.get(key)
        if found is None:
            letters = (*self.letters(net), *sent)
            found = self._number(tuple(sorted(set(letters) if self.are_sets else letters)))
            self._plus[key] = found
        return found

    def less(self, net: Net, known: Known) -> Net:
        """Without what its hearers know already: they would only drop it, so it is dropped now."""
        key = (net, known & self._bits[net])
        found = self._less.get(key)
        if found is None:
            kept = tuple(letter for letter in self.letters(net) if not self.post.bits[letter] & known)
            found = self._less[key] = self._number(kept)
        return found

    def _number(self, letters: Letters) -> Net:
        net = self._nets.of(letters)
        if net == len(self._bits):
            bits = 0
            for letter in letters:
                bits |= self.post.bits[letter]
            self._bits.append(bits)
        return net

    def _without(self, letters: Letters, letter: Letter) -> Net:
        at = letters.index(letter)
        return self._number(letters[:at] + letters[at + 1 :])
