"""`python -m common.postgres.migrate`: every database to its newest schema, as its owner.

Forward only. Migrations are named `NNNN_pre|post_what.py`: run before or after the new code is deployed. Each
run ends with the rights of the runtime role and of the auditor: what the tables say, and nothing that was
granted otherwise.
"""

import argparse
import asyncio
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, pool
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from common.postgres.rights import AUDITOR, Undeclared, audits, grants
from common.settings import load

ENVIRONMENT = Path(__file__).parent / "migrations"
PARTITION = re.compile(r"_\d{6}(\d\d)?$")
"""A name that ends with a month or a day."""


class MigrateSettings(msgspec.Struct, frozen=True, kw_only=True):
    databases: dict[str, str]
    """Service -> URL of the owner role."""


def config(service: str) -> Config:
    package = import_module(service)
    assert package.__file__
    configuration = Config()
    configuration.set_main_option("script_location", str(ENVIRONMENT))
    configuration.set_main_option("path_separator", "os")
    configuration.set_main_option("version_locations", str(Path(package.__file__).parent / "migrations"))
    configuration.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    configuration.attributes["metadata"] = import_module(f"{service}.tables").METADATA
    configuration.attributes["include_object"] = _is_ours
    return configuration


async def on_database(url: str, service: str, action: str, **options: Any) -> None:
    """Runs one Alembic command over asyncpg; two migrators of one database wait for each other."""

    def run(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT pg_advisory_lock(7101)")
        connection.commit()
        configuration = config(service)
        configuration.attributes["connection"] = connection
        getattr(command, action)(configuration, **options)
        if action == "upgrade":
            for statement in rights(connection, configuration.attributes["metadata"], service):
                connection.exec_driver_sql(statement)
            connection.commit()

    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://"), poolclass=pool.NullPool
    )
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


def rights(connection: Connection, metadata: MetaData, service: str) -> list[str]:
    """A server that knows no auditor needs none."""
    is_audited = connection.exec_driver_sql(f"SELECT to_regrole('{AUDITOR}')").scalar() is not None
    return [*grants(metadata, service), *(audits(metadata) if is_audited else ())]


def _is_ours(_thing: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    """Partitions come and go by themselves; the schema names only their parents."""
    return not (kind == "table" and name is not None and PARTITION.search(name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service", nargs="*", help="default: all")
    parser.add_argument("--check", action="store_true", help="fail if tables and migrations differ")
    arguments = parser.parse_args()
    databases = load(MigrateSettings).databases
    for service in arguments.service or databases:
        if service not in databases:
            sys.exit(f"migrate: no database is configured for {service!r}")
        try:
            if arguments.check:
                asyncio.run(on_database(databases[service], service, "check"))
            else:
                asyncio.run(on_database(databases[service], service, "upgrade", revision="head"))
        except (CommandError, SQLAlchemyError, Undeclared, OSError) as error:
            sys.exit(f"migrate: {service}: {str(error).splitlines()[0]}")


if __name__ == "__main__":
    main()
