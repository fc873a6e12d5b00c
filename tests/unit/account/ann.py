"""An account to talk about."""

from datetime import UTC, datetime

from account.model import Account
from common.ids import new_id

NOW = datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)
ANN = Account(
    id=new_id(),
    email="ann@example.com",
    first_name="Ann",
    last_name="Example",
    address="1 Main Street",
    phone_number="+84901234567",
    role="customer",
    verified=False,
    active=True,
    version=3,
    least_version=1,
    created_at=NOW,
    updated_at=NOW,
)
