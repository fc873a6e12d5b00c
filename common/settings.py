"""Environment over file over defaults, read once into a frozen struct.

A field `database_url` comes from `DATABASE_URL`, or from the file that `DATABASE_URL_FILE` names (container
secrets), or from the key `database_url` of the TOML file that `SETTINGS_FILE` names.
"""

import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_origin

import msgspec

Origin = Annotated[str, msgspec.Meta(pattern=r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$")]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What every service needs to know; each adds its own."""

    service: str
    host: str = "127.0.0.1"
    port: int
    nats_url: str
    """One address, or several with commas between them."""
    public_url: str = "http://localhost:8000"
    """The edge as browsers know it; with https, cookies are only sent encrypted."""
    cors_origins: tuple[Origin, ...] = ()
    """Other origins whose pages may call the API and read its answers, each exactly, as in
    `https://shop.example.com`."""
    log_level: str = "INFO"
    """Of what is ours; libraries tell no details."""
    log_format: Literal["auto", "json", "text"] = "auto"
    """`auto`: a JSON object per line, but readable lines where a terminal is the standard error."""
    error_dsn: Annotated[str, msgspec.Meta(pattern=r"^(https?://[^@\s]+@[^/\s]+/\S+)?$")] = ""
    """Where errors are reported, by Sentry's protocol: `https://KEY@HOST/PROJECT`. Nowhere without it."""
    otlp_endpoint: Annotated[str, msgspec.Meta(pattern=r"^(https?://\S+)?$")] = ""
    """Where traces go over OTLP/HTTP, as in `http://localhost:4318`. Without it there are none."""
    trace_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01
    """The share of requests that are recorded, to the last message that follows from them. A caller may ask
    for it, with the flag of a `traceparent` header, ten times a second per process."""
    batch_size: int = 256
    """Messages one consumer takes at once; they must be done within a third of `ack_wait` (J9)."""
    message_retry_seconds: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    """A message that failed comes again after twice this; doubled each time, to half a minute."""
    concurrency: int = 1
    """Batches one process handles at the same time."""
    graceful_seconds: float = 8.0
    """How long a stop takes at most, all of it: whoever kills a process that is told to stop waits two
    seconds longer."""
    leave_seconds: float = 2.0
    """How much of it the port stays open after `/readyz` has begun to say no, if somebody asked there within
    five seconds: longer than whoever sends requests takes to look again."""
    metrics: bool = True
    """Whether messages and requests are counted and timed; `/metrics` tells how things stand in any case."""
    failpoint: str = ""
    """A place of common/failpoints.py where this process dies, for tests."""
    failpoint_budget: str = ""
    """A file with the number of deaths that are left."""
    failpoint_chance: float = 1.0
    """Of dying at a visit."""


class DatabaseSettings(Settings, frozen=True, kw_only=True):
    database_url: str
    """Under the runtime role, which may read all rows and write what the tables say."""
    pool_size: int = 8
    """Connections of one process at most, and one more after an outage. Where they can never fit it does not
    start."""
    keep_letters_days: Annotated[float, msgspec.Meta(ge=0)] = 7.0
    """What a dead letter says, after somebody has retried or discarded it; when, why and by whom stays."""


class ApiSettings(DatabaseSettings, frozen=True, kw_only=True):
    jwks_url: str
    """Where the account service publishes the keys that verify its tokens."""
    jwt_issuer: str = "shop"
    jwt_audience: str = "shop"
    access_seconds: int = 600
    """How long account's access tokens live: for so long, and a minute, what ended them is remembered."""
    body_limit: int = 65_536
    """Bytes of a request's body; more is answered 413."""


class RedisSettings(ApiSettings, frozen=True, kw_only=True):
    redis_url: str
    """One address, or several of a cluster with commas between them; any of them tells the others."""
    redis_cluster: bool = False
    """Whether the address is a cluster's."""

    def __post_init__(self) -> None:
        if "," in self.redis_url and not self.redis_cluster:
            raise ValueError("several addresses in `redis_url` need `redis_cluster`")


class CacheSettings(RedisSettings, frozen=True, kw_only=True):
    cache_seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 60.0
    """How old an answer of Redis may become, within a tenth, should nobody say that it has changed; 0: never
    kept."""


S = TypeVar("S", bound=msgspec.Struct)


def load(kind: type[S]) -> S:
    """Read once at start; what is missing or malformed ends the program with one line that names it."""
    try:
        return read(kind, os.environ)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError, OSError) as error:
        sys.exit(f"settings: {_by_variable_name(str(error))}")


def read(kind: type[S], environment: Mapping[str, str]) -> S:
    """Raises ValidationError or OSError."""
    values: dict[str, Any] = {}
    if path := environment.get("SETTINGS_FILE"):
        values |= tomllib.loads(Path(path).read_text())
    for field in msgspec.structs.fields(kind):
        text = _from_environment(field.name.upper(), environment)
        if text is not None:
            values[field.name] = text.split(",") if get_origin(field.type) in {tuple, list} else text
    return msgspec.convert(values, kind, strict=False)


def _from_environment(variable: str, environment: Mapping[str, str]) -> str | None:
    if variable in environment:
        return environment[variable]
    if path := environment.get(f"{variable}_FILE"):
        return Path(path).read_text().rstrip("\n")
    return None


def _by_variable_name(error: str) -> str:
    """msgspec speaks of fields; whoever starts a service knows variables."""
    words = error.split("`")
    return "`".join(word.removeprefix("$.").upper() if i % 2 else word for i, word in enumerate(words))
