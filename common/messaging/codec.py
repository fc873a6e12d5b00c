"""Bytes to messages and back."""

from collections.abc import Iterable
from functools import reduce
from operator import or_
from types import ModuleType
from typing import Any

import msgspec

from common.contracts.message import Message, subject

encode = msgspec.json.Encoder().encode


class Codec:
    """Decodes the words a service listens to; any other word is malformed to it."""

    def __init__(self, words: Iterable[type[Message]]) -> None:
        union: Any = reduce(or_, words)
        self._decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(union)

    def decode(self, payload: bytes) -> Message:
        """Raises msgspec.DecodeError, of which ValidationError is one."""
        return self._decoder.decode(payload)

    def heard(self, where: str, payload: bytes) -> Message:
        """The broker lets each say its own subjects alone: a word that comes on another's is forged."""
        message = self.decode(payload)
        if subject(type(message)) != where:
            raise msgspec.ValidationError(f"{subject(type(message))} was said on {where}")
        return message


def words(*speakers: ModuleType) -> list[type[Message]]:
    """Every concrete message that the contract files define."""
    return [
        thing
        for speaker in speakers
        for thing in vars(speaker).values()
        if isinstance(thing, type)
        and issubclass(thing, Message)
        and thing.__module__ == speaker.__name__
        and "." in str(thing.__struct_config__.tag)
    ]
