"""Loaded by schemathesis, in its own process: who is calling.

Most routes are asked by one person, signed in anew every few minutes. Those that end a session or take an
account's verification away get an account of their own each time, or all that follows would be a 401.
"""

import json
import os
import secrets
import time
import urllib.request
from typing import Any

import schemathesis

ACCOUNT = os.environ["CAMPAIGN_ACCOUNT"] + "/api/v1/account"
LOGIN = {"email": os.environ["CAMPAIGN_EMAIL"], "password": os.environ["CAMPAIGN_PASSWORD"]}
JSON = {"Content-Type": "application/json"}
SIGNED_IN_SECONDS = 240.0
DRASTIC = {
    "POST /api/v1/account/logout",
    "POST /api/v1/account/password",
    "PUT /api/v1/account/customer/personal",
    "DELETE /api/v1/account/sessions",
    "DELETE /api/v1/account/sessions/{session_id}",
    "POST /api/v1/account/verify",
}


@schemathesis.auth(refresh_interval=None)
class Token:
    def __init__(self) -> None:
        self._token, self._until = "", 0.0

    def get(self, case: schemathesis.Case[Any], _context: schemathesis.AuthContext) -> str:
        if f"{case.method.upper()} {case.operation.full_path}" in DRASTIC:
            return token("/register", newcomer())
        if time.monotonic() > self._until:
            self._token, self._until = token("/login", LOGIN), time.monotonic() + SIGNED_IN_SECONDS
        return self._token

    def set(self, case: schemathesis.Case[Any], data: str, _context: schemathesis.AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


def newcomer() -> dict[str, str]:
    number = secrets.randbelow(10**12)
    person = {"email": f"eve.{number}@example.com", "password": secrets.token_urlsafe(12)}
    name = {"first_name": "Eve", "last_name": "Moneypenny", "address": "Somewhere"}
    return person | name | {"phone_number": f"+44{number:012}"}


def token(path: str, body: dict[str, str]) -> str:
    request = urllib.request.Request(ACCOUNT + path, json.dumps(body).encode(), JSON)
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: dict[str, Any] = json.load(response)
    return str(answer["access_token"])
