"""The official module's own cases, each evaluated by ours: the same values, the same diagnostics in the same places."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.environments.language.comparison import Answer, Said, official
from tests.environments.language.conftest import Tally
from tests.environments.language.corpus import CONTEXT, STRICTER, Case, cases, compare, our_answers
from tests.environments.language.oracle import Built, Oracle

pytestmark = pytest.mark.timeout(1800)  # the first test of all waits until the official module is downloaded and built

_NAMES = """
anonymous-environment builtin-combine builtin-concat builtin-concat-errors builtin-errs builtin-final builtin-nested-secret builtin-split
builtin-split-errors builtin-split-join-roundtrip builtin-toYAML ciphertext ciphertext-import ciphertext-invalid ciphertext-show-secrets
context-interpolation cycle duplicate-keys empty escape-keys import-cycle import-cycle-2 import-invalid import-merge import-merge-2 imports
inline-reference inline-reference-cycle inline-reference-rotateOnly interp invalid-access invalid-access-load invalid-import invalid-join
invalid-object-key invalid-open invalid-plaintext literals merge-base merge-replace merge-unknown nested-unknowns-secrets omnibus open
open-unknown plaintext reserved-keys rotate rotate-paths rotate-state schema schema-error secret-objects unicode unterminated-array
"""
NAMES = _NAMES.split()


def asked(oracle: Oracle, case: Case) -> Mapping[str, Answer]:
    found = oracle.ask(
        case.root, case.documents, name=case.root_name, modes=case.modes, folder=case.place, context=CONTEXT,
        show_secrets=case.show_secrets, rotate_paths=case.rotate_paths,
    )  # fmt: skip
    return {mode: official(result) for mode, result in found.items()}


def test_every_case_is_among_those_that_are_compared(built: Built) -> None:
    assert [case.name for case in cases(built.cases)] == NAMES
    assert len(NAMES) == 55


def test_the_way_of_comparing_finds_the_official_evaluator_right(built: Built, oracle: Oracle) -> None:
    wrong = [difference for case in cases(built.cases) for difference in compare(case, asked(oracle, case))]
    assert not wrong


@pytest.mark.parametrize("name", NAMES)
def test_a_case_comes_to_what_is_expected_of_it(name: str, built: Built, tally: Tally) -> None:
    case = Case(name, built.cases / name)
    tally.cases_compared += 1
    found = compare(case, our_answers(case))
    stricter = STRICTER.get(name, frozenset())
    assert [difference for difference in found if difference.where not in stricter] == []
    assert {difference.where for difference in found} == stricter, "an entry of STRICTER that is no difference any more"
    assert all(difference.ours == "[secret]" for difference in found if difference.where in stricter)
    tally.cases_equal += 1


def test_no_entry_of_the_permitted_differences_is_stale() -> None:
    assert set(STRICTER) <= set(NAMES)


@pytest.mark.parametrize("name", ["omnibus", "rotate", "ciphertext", "literals", "cycle"])
def test_a_result_that_is_changed_is_found(name: str, built: Built, oracle: Oracle) -> None:
    """What proves that the comparison can fail."""
    case = Case(name, built.cases / name)
    right = asked(oracle, case)
    for mode, answer in right.items():
        assert compare(case, {**right, mode: changed(answer, mode)}), mode


def changed(answer: Answer, mode: str) -> Answer:
    if mode == "load":
        return replace(answer, diagnostics=(*answer.diagnostics, Said("", 0, 0, "error", "another", "")))
    return replace(answer, redacted={**answer.redacted, "another": None})
