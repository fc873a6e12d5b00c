"""The faults that the campaign is tested with still fit the code, and leave it Python."""

import ast

import pytest

import deploy.chaos.scenarios  # noqa: F401  # registers them
from deploy.chaos.mutants import MUTANTS, Mutant, mutated
from deploy.chaos.scenario import SCENARIOS
from deploy.embedded.layout import ROOT


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_code(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text()
    changed = mutated(mutant, text)
    assert changed != text
    assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(text))
    assert mutant.scenario in SCENARIOS
    assert mutant.caught


def test_what_has_changed_is_told() -> None:
    with pytest.raises(ValueError, match="has changed"):
        mutated(MUTANTS[0], "")


def test_there_are_twelve_at_least() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 12
