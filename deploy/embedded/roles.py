"""Databases and roles: each service owns its rows, and only its owner role may change their shape.

Which rows the runtime role may write the owner says, with the migrations (`common/postgres/rights.py`), and
which columns the auditor, one role for all databases, may read.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable

from common.postgres.rights import AUDITOR
from deploy.embedded.passwords import Passwords

QUIET = "SET client_min_messages = warning;\n"

CLOSED = """\
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
REVOKE ALL ON DATABASE template1 FROM PUBLIC;
"""

ROLES = """\
SELECT 'CREATE ROLE "{service}_owner"'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{service}_owner') \\gexec
SELECT 'CREATE ROLE "{service}_runtime"'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{service}_runtime') \\gexec
ALTER ROLE "{service}_owner" LOGIN PASSWORD '{owner}' CONNECTION LIMIT {owner_connections};
ALTER ROLE "{service}_runtime" LOGIN PASSWORD '{runtime}' CONNECTION LIMIT {runtime_connections};
ALTER ROLE "{service}_runtime" RESET ALL;
ALTER ROLE "{service}_runtime" SET statement_timeout = '5s';
ALTER ROLE "{service}_runtime" SET idle_in_transaction_session_timeout = '10s';
"""

OF_THE_AUDITOR = """\
SELECT 'CREATE ROLE "{auditor}"' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{auditor}') \\gexec
ALTER ROLE "{auditor}" LOGIN PASSWORD '{password}' CONNECTION LIMIT {connections};
ALTER ROLE "{auditor}" RESET ALL;
ALTER ROLE "{auditor}" SET default_transaction_read_only = on;
ALTER ROLE "{auditor}" SET statement_timeout = '30s';
ALTER ROLE "{auditor}" SET idle_in_transaction_session_timeout = '10s';
"""

DATABASE = """\
SELECT 'CREATE DATABASE "{service}" OWNER "{service}_owner" STRATEGY file_copy'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{service}') \\gexec
"""

RIGHTS = """\
\\connect "{service}"
SET client_min_messages = warning;
BEGIN;
REVOKE ALL ON DATABASE "{service}" FROM PUBLIC;
GRANT CONNECT ON DATABASE "{service}" TO "{service}_runtime", "{auditor}";
ALTER SCHEMA public OWNER TO "{service}_owner";
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO "{service}_runtime", "{auditor}";
SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', oid::regprocedure) FROM pg_proc
 WHERE pronamespace = 'pg_catalog'::regnamespace
   AND proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'pg_logical_emit_message') \\gexec
COMMIT;
"""


OWNER_CONNECTIONS = 10
"""Of a migration and whoever looks in."""

RUNTIME_CONNECTIONS = 100
"""Of all processes of one service: a service that leaks them leaves half of the server to the others."""

AUDITOR_CONNECTIONS = 14
"""One to each database, for one that repeats and one by hand."""


def script(services: Iterable[str], passwords: Passwords) -> str:
    """A psql script that brings any cluster to this state, however often it runs."""
    known = [
        {
            "service": service,
            "owner": verifier(passwords.of(f"{service}_owner")),
            "runtime": verifier(passwords.of(f"{service}_runtime")),
            "owner_connections": OWNER_CONNECTIONS,
            "runtime_connections": RUNTIME_CONNECTIONS,
            "auditor": AUDITOR,
        }
        for service in services
    ]
    roles = "".join(ROLES.format(**each) for each in known)
    roles += OF_THE_AUDITOR.format(
        auditor=AUDITOR, password=verifier(passwords.of(AUDITOR)), connections=AUDITOR_CONNECTIONS
    )
    databases = "".join(DATABASE.format(**each) for each in known)
    rights = "".join(RIGHTS.format(**each) for each in known)
    return f"{QUIET}BEGIN;\n{CLOSED}{roles}COMMIT;\n{databases}{rights}"


def verifier(password: str) -> str:
    """What Postgres keeps instead of a password: made here, the password itself reaches no server log."""
    salt, iterations = os.urandom(16), 4096
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${iterations}:{salt64}${stored64}:{server64}"
