"""What is said about an account."""

from datetime import date

import msgspec

from account import model
from account.model import Account, Code
from common.contracts.account import AccountChanged, AccountRegistered
from tests.unit.account.ann import ANN, NOW


def test_the_version_makes_the_id_of_what_is_said() -> None:
    assert model.state(AccountRegistered, ANN).id == f"evt.account.account_registered:{ANN.id}:3"
    assert model.state(AccountChanged, ANN).id == f"evt.account.account_changed:{ANN.id}:3"


def test_all_of_the_account_is_said() -> None:
    said = msgspec.structs.asdict(model.state(AccountChanged, ANN))
    known = msgspec.structs.asdict(ANN)
    assert (said.pop("entity_id"), said["issued_on"]) == (known.pop("id"), date(2026, 11, 20))
    del known["updated_at"], known["created_at"]
    assert known.items() <= said.items()


def test_the_number_of_the_code_makes_the_id_of_its_mail() -> None:
    code = Code(number=2, text="01234567", created_at=NOW, expires_at=NOW)
    said = model.verification(ANN, code)
    assert said.id == f"evt.account.verification_requested:{ANN.id}:2"
    assert (said.code, said.email, said.first_name) == ("01234567", "ann@example.com", "Ann")


def test_no_account_carries_its_hash() -> None:
    assert not any("password" in name or "hash" in name for name in Account.__struct_fields__)


def test_one_password_has_one_form() -> None:
    assert model.secret("pa\u0308ss") == model.secret("päss")
    assert model.secret("ﬁne") == "fine"
