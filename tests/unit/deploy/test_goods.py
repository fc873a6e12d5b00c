"""The goods of `./just seed`."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from deploy import goods, seed
from product.model.catalogue import NewProduct

ROOT = Path(__file__).parents[3]
SHELVES = ["01890a5d-ac96-774b-bcce-b302099a8057"] * len(goods.SHELVES)


def test_they_are_the_same_for_the_same_number_however_many() -> None:
    assert list(goods.invent(300, 7))[:100] == list(goods.invent(100, 7))
    assert list(goods.invent(100, 7)) != list(goods.invent(100, 8))


def test_the_shop_would_take_every_one_of_them() -> None:
    made = list(goods.invent(2_000, 1))
    for each in made:
        msgspec.convert(msgspec.to_builtins(seed.offer(each, SHELVES)), NewProduct)
        least, most = goods.SHELVES[each.shelf].prices
        assert least <= each.price <= most
    assert {each.shelf for each in made} == set(range(len(goods.SHELVES)))
    assert len({each.name for each in made}) > 1_800
    assert 0.02 < sum(each.inventory == 0 for each in made) / len(made) < 0.1


@pytest.mark.parametrize("arguments", [["0"], ["1000001"], ["x"], ["--random-seed", "x"]])
def test_a_wrong_number_is_no_catalogue(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["seed", *arguments])
    with pytest.raises(SystemExit) as ended:
        seed.main()
    assert ended.value.code == 2


def test_without_a_stack_it_says_so_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.seed", "10"]
    environment = os.environ | {"SHOP_HOME": str(tmp_path)}
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == "seed: the stack is not running; ./just up starts it\n"
