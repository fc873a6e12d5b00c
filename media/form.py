"""A multipart form, read as it comes: files go to the disk, and whatever is too much ends it at once."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from uuid import UUID

from multipart import (  # type: ignore[import-untyped]  # its annotations are not published
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from media.model import MOST_ALT, MOST_FILES, Kind
from media.spool import Sent, Spool, TooLarge, nameless

MOST_PARTS = 2 * MOST_FILES + 1
MOST_TEXT = 4 * MOST_ALT
"""Bytes of a part that is no file."""
MOST_HEADER = 1024
FORM = "multipart/form-data"


class Bad(Exception):
    """The form is not what it should be. `field` is empty where it is not one field's fault."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class Form:
    """What was sent: at the end `product_id`, an `alt` for each of the files, and the `files`.

    `admit` is asked as soon as the product is known, so that nobody sends much in vain.
    """

    def __init__(
        self,
        folder: str | None,
        limits: dict[Kind, int],
        admit: Callable[[UUID], Awaitable[None]],
        until: ExitStack,
    ) -> None:
        self.product_id: UUID | None = None
        self.alts: list[str] = []
        self.files: list[Sent] = []
        self._folder = folder
        self._limits = limits
        self._admit = admit
        self._until = until
        self._name = ""
        self._text = bytearray()
        self._spool: Spool | None = None

    async def read(self, content_type: str, chunks: AsyncIterator[bytes]) -> UUID:
        """Returns the product. Raises Bad, TooLarge or Unsupported, and what `admit` raises."""
        kind, options = parse_options_header(content_type)
        if kind != FORM or not options.get("boundary"):
            raise Bad("", f"The body must be {FORM} with a boundary.")
        try:
            parser = PushMultipartParser(
                options["boundary"],
                max_header_size=MOST_HEADER,
                max_segment_count=MOST_PARTS,
                strict=True,
            )
            with parser:
                async for chunk in chunks:
                    if chunk:
                        for event in parser.parse(chunk):
                            await self._take(event)
        except ParserLimitReached as error:
            raise TooLarge("The form has too many parts, or too long headers.") from error
        except (MultipartError, UnicodeError) as error:
            raise Bad("", "The form is malformed, or does not come to its end.") from error
        return self._complete()

    async def _take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        if isinstance(event, MultipartSegment):
            self._begin(event.name)
        elif event is None:
            await self._end()
        elif self._spool:
            await self._spool.write(bytes(event))
        else:
            self._text += event
            if len(self._text) > MOST_TEXT:
                raise Bad(self._name, "It is too long.")

    def _begin(self, name: str) -> None:
        self._name, self._text, self._spool = name, bytearray(), None
        if name == "data":
            if len(self.files) == MOST_FILES:
                raise Bad(name, f"Expected at most {MOST_FILES} files")
            self._spool = Spool(nameless(self._folder, self._until), self._limits)
        elif name not in {"product_id", "alt"}:
            raise Bad(name[:100], "Unknown field")

    async def _end(self) -> None:
        if self._spool:
            self.files.append(await self._spool.finished())
            self._spool = None
            return
        text = _decoded(self._name, self._text)
        if self._name == "alt":
            self.alts.append(text)
        elif self.product_id is not None:
            raise Bad("product_id", "Expected once")
        else:
            self.product_id = _id(text)
            await self._admit(self.product_id)

    def _complete(self) -> UUID:
        if self.product_id is None:
            raise Bad("product_id", "Missing")
        if not self.files:
            raise Bad("data", "Missing")
        if len(self.alts) not in {0, 1, len(self.files)}:
            raise Bad("alt", "Expected once for all, or once for each file")
        self.alts = self.alts if len(self.alts) == len(self.files) else (self.alts or [""]) * len(self.files)
        return self.product_id


def _decoded(name: str, text: bytearray) -> str:
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        raise Bad(name, "Expected UTF-8") from error
    if len(decoded) > MOST_ALT or not decoded.isprintable():
        raise Bad(name, f"Expected at most {MOST_ALT} printable characters")
    return decoded


def _id(text: str) -> UUID:
    try:
        if len(text) == 36:
            return UUID(text)
    except ValueError:
        pass
    raise Bad("product_id", "Expected an id")
