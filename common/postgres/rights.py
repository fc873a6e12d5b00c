"""What a service's runtime role may do to its rows: read all of them, write what each table says, no more.

Whoever steals its password then rewrites no log, forgets no message and hides no dead letter. The auditor,
one role for all databases, reads the columns that the tables name for it, and writes nothing.
"""

from collections.abc import Iterator

from sqlalchemy import MetaData, Table

_KEY = "the runtime role may"
_AUDITED = "the auditor may read"

AUDITOR = "auditor"

NONE = (
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM {role}",
    "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}",
    "REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {role}",
)
"""Also of partitions: they are read and written by their parent's rights."""

NOT_EVEN_THE_AUDITOR = f'REVOKE ALL ON ALL TABLES IN SCHEMA public FROM "{AUDITOR}"'

FUNCTIONS = """
DO $$ DECLARE each regprocedure; BEGIN
  FOR each IN SELECT oid FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', each);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO {role}', each);
  END LOOP;
END $$
"""
"""Those that run with the owner's rights are the service's, and not everybody's who may enter."""

NUMBERS = "GRANT USAGE ON SEQUENCE outbox_position TO {role}"


class Undeclared(LookupError):
    """A table does not say what the runtime role may write."""


def may(write: str, *, audited: str = "") -> dict[str, str]:
    """The `info` of a table: INSERT and DELETE whole, UPDATE by column. To lock a row asks for one column.

    `audited`: columns without a secret and without anything personal.
    """
    return {_KEY: f"SELECT, {write}", _AUDITED: audited}


def allowed(table: Table) -> str:
    """As a GRANT spells it."""
    try:
        rights: str = table.info[_KEY]
    except KeyError:
        raise Undeclared(f'table "{table.name}" has no info=may(...) for the runtime role') from None
    return rights


def grants(metadata: MetaData, service: str) -> Iterator[str]:
    """Statements of the owner, for one transaction. They bring any database to this state."""
    role = f'"{service}_runtime"'
    yield from (statement.format(role=role) for statement in NONE)
    for table in metadata.sorted_tables:
        yield f'GRANT {allowed(table)} ON "{table.name}" TO {role}'
    yield NUMBERS.format(role=role)
    yield FUNCTIONS.format(role=role)


def audits(metadata: MetaData) -> Iterator[str]:
    """The same for the auditor, which exists where the roles were made by `deploy/embedded/roles.py`."""
    yield NOT_EVEN_THE_AUDITOR
    for table in metadata.sorted_tables:
        if columns := table.info[_AUDITED]:
            yield f'GRANT SELECT ({columns}) ON "{table.name}" TO "{AUDITOR}"'
