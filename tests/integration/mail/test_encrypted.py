"""Letters over encrypted sessions, signed in: in two round trips as well."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Literal

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from mail.mailer import Mailer, Unreachable
from mail.model import Verdict
from mail.settings import MailSettings
from tests.integration.mail.wire import Moody

HOST = "127.0.0.1"
LETTER = "Subject: Trà\r\n\r\n.\r\ngone\r\n".encode()
PASSWORD = "of-the-server"


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of the server, key included, and trusted as an authority's of the system is."""
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(HOST))]), critical=False)
        .sign(key, None)
    )
    file = tmp_path / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return file


class Counted(Moody):
    """Knows the password, and counts who said it, and how many sessions ended as they should."""

    def __init__(self) -> None:
        super().__init__()
        self.admitted = 0
        self.goodbyes = 0

    def admit(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, said: LoginPassword
    ) -> AuthResult:
        is_right = said.password == PASSWORD.encode()
        self.admitted += is_right
        return AuthResult(success=is_right, handled=False)

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.goodbyes += 1
        return "221 bye"


@asynccontextmanager
async def serving(mind: Counted, certificate: Path, security: str) -> AsyncIterator[None]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    at_once = security == "tls"

    def speak() -> SMTP:
        return SMTP(
            mind,
            hostname="localhost",
            tls_context=None if at_once else context,
            require_starttls=not at_once,
            authenticator=mind.admit,
            auth_require_tls=not at_once,
        )

    listening = await asyncio.get_running_loop().create_server(
        speak, HOST, 0, ssl=context if at_once else None
    )
    mind.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield


def settings(mind: Counted, security: Literal["starttls", "tls"], password: str = PASSWORD) -> MailSettings:
    return MailSettings(
        port=0,
        nats_url="",
        database_url="",
        smtp_port=mind.port,
        smtp_security=security,
        smtp_username="shop",
        smtp_password=password,
        smtp_timeout_seconds=30,
    )


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_letters_go_over_an_encrypted_session_that_is_signed_in(
    certificate: Path, security: Literal["starttls", "tls"]
) -> None:
    mind = Counted()
    mind.to_recipient = lambda to: "550 5.1.1 nobody" if to.startswith("nobody") else "250 OK"
    async with serving(mind, certificate, security), Mailer(settings(mind, security)).connected() as session:
        verdicts = [
            (await session.send(LETTER, sender="shop@example.org", recipient=to)).verdict
            for to in ("a@example.org", "nobody@example.org", "b@example.org")
        ]
    assert verdicts == [Verdict.SENT, Verdict.REFUSED, Verdict.SENT]
    assert mind.taken == [("a@example.org", LETTER), ("b@example.org", LETTER)]
    assert (mind.admitted, mind.goodbyes) == (1, 1)


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_nobody_is_told_a_password_whose_certificate_is_not_trusted(
    certificate: Path, security: Literal["starttls", "tls"], monkeypatch: pytest.MonkeyPatch
) -> None:
    mind = Counted()
    async with serving(mind, certificate, security):
        monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
        with pytest.raises(Unreachable):
            async with Mailer(settings(mind, security)).connected():
                pass
    assert mind.admitted == 0


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_wrong_password_is_the_servers_trouble_and_no_letters(
    certificate: Path, security: Literal["starttls", "tls"]
) -> None:
    mind = Counted()
    async with serving(mind, certificate, security):
        with pytest.raises(Unreachable):
            async with Mailer(settings(mind, security, password="another")).connected():
                pass
    assert mind.admitted == 0
