"""Documents that nobody has thought of, evaluated by both: the same values, the same masks, the same diagnostics in the same places.

`INFRA_FUZZ_EXAMPLES=20000` looks longer; in CI the examples are the same every time.
"""

import base64
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra_assets.environments.language import Evaluator, apply_patches, plain, reveal_secrets, seal_secrets
from infra_assets.environments.language.model import Number, Value, value_of
from tests.environments.language.comparison import Answer, Difference, Said, differences, official, ours
from tests.environments.language.conftest import Tally
from tests.environments.language.corpus import answers, cases
from tests.environments.language.fakes import Documents, FakeProviders, Rot128
from tests.environments.language.oracle import Built, NoAnswerError, Oracle
from tests.environments.language.strategies import ALIASES, World, mutated, rotating, worlds

pytestmark = pytest.mark.timeout(1800)  # the official module may have to be downloaded and built first, and a failure is made smaller

EXAMPLES = int(os.environ.get("INFRA_FUZZ_EXAMPLES", "1500"))
FOLDER = "environments"
CYCLIC_EXPORT = "internal error: cyclic export"  # upstream's own mistake: an environment imported twice may meet itself
CONTEXT: Mapping[str, Any] = {"pulumi": {"user": {"id": "USER_123"}}, "list": [1, "x", {"a": None}], "number": 2.5}


def looked_for(share: float) -> settings:
    return settings(
        max_examples=max(1, int(EXAMPLES * share)), deadline=None, print_blob=True, derandomize="CI" in os.environ,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much,
                               HealthCheck.function_scoped_fixture],
    )  # fmt: skip


class Pair:
    """Both evaluators. Ours is one for all documents, so that what it keeps from one root to the next is put to the test too."""

    def __init__(self, oracle: Oracle, tally: Tally, documents: Mapping[str, bytes]) -> None:
        self.oracle, self.tally, self.sources = oracle, tally, dict(documents)
        self.documents = Documents(self.sources, FOLDER, ALIASES)
        self.evaluator = Evaluator(self.documents, FakeProviders(), context={key: value_of(value) for key, value in CONTEXT.items()})

    def compare(self, *names: str) -> None:
        """Evaluate these documents as roots, or each one, and fail where the two differ."""
        wrong = [
            f"{name}, {mode}, {found.where}:\n official {found.official!r}\n ours     {found.ours!r}"
            for name in names or self.sources
            for mode, found in self._differences(name)
        ]
        assert not wrong, "\n\n".join(wrong)

    def _differences(self, name: str) -> list[tuple[str, Difference]]:
        source = self.sources[name]
        modes = ["eval", "check", *(["rotate"] if b"fn::rotate" in source else [])]
        aliased = {**self.sources, **{alias: self.sources[other] for alias, other in ALIASES.items() if other in self.sources}}
        own = answers(self.evaluator, self.documents.document(name), modes=modes)
        try:
            results = self.oracle.ask(source, aliased, name=name, modes=modes, folder=FOLDER, context=CONTEXT)
        except NoAnswerError:
            self.tally.silent += 1
            return []
        found: list[tuple[str, Difference]] = []
        for mode, result in results.items():
            if "panic" in result or any(said["summary"] == CYCLIC_EXPORT for said in result["diagnostics"]):
                self.tally.silent += 1
            else:
                self.tally.documents += mode == "eval"
                found += [(mode, difference) for difference in self._between(official(result), own[mode])]
        self.tally.differing += bool(found)
        return found

    def _between(self, theirs: Answer, own: Answer) -> list[Difference]:
        split = any(b"fn::split" in source for source in self.sources.values())
        return [found for found in differences(theirs, own) if not (_quieter(found) or (split and _stricter(found)))]


def _stricter(difference: Difference) -> bool:
    # Ours masks the elements of a secret that was split, and what is made of them.
    place = difference.where.partition("[")[0]
    if place == "redacted":
        return difference.ours == "[secret]"
    return place in ("variables", "files") and difference.ours == (difference.official[0], True)


def _quieter(difference: Difference) -> bool:
    # Ours says nothing of a secret: neither its keys, as a suggestion, nor a constant that a schema was given.
    if difference.where != "diagnostics" or len(difference.official) != len(difference.ours):
        return False
    return all(
        theirs._replace(summary="") == own._replace(summary="") and _says_less(theirs.summary, own.summary)
        for theirs, own in zip(difference.official, difference.ours, strict=True)
    )


def _says_less(theirs: str, own: str) -> bool:
    # Of two keys that are equally near upstream suggests either, by chance; what is wrong with a pattern each library says in its own way.
    for before_what_differs in ("; did you mean", "invalid schema: error parsing regexp: "):
        if theirs.partition(before_what_differs)[:2] in ((own, before_what_differs), own.partition(before_what_differs)[:2]):
            return True
    # How far ahead of a syntax error bytes are read that are no text is a matter of buffers.
    if theirs.startswith("yaml: ") and own.startswith("yaml: ") and ("UTF-8" in theirs or "UTF-8" in own):
        return True
    before, masked, after = own.partition("[secret]")
    return bool(masked) and theirs.startswith(before) and theirs.endswith(after)


@given(worlds())
@looked_for(0.45)
def test_environments_come_to_the_same(oracle: Oracle, tally: Tally, world: World) -> None:
    Pair(oracle, tally, world.documents).compare()


@given(worlds(), worlds(), st.data())
@looked_for(0.1)
def test_a_change_is_noticed_in_everything_that_rests_on_it(
    oracle: Oracle, tally: Tally, before: World, after: World, data: st.DataObject
) -> None:
    pair = Pair(oracle, tally, before.documents)
    pair.compare()
    name = data.draw(st.sampled_from(sorted(before.documents.keys() & after.documents.keys())))
    pair.sources[name] = after.documents[name]
    pair.evaluator.forget([name])
    pair.compare()


@given(mutated())
@looked_for(0.15)
def test_texts_that_are_hardly_yaml_come_to_the_same(oracle: Oracle, tally: Tally, source: bytes) -> None:
    Pair(oracle, tally, {"a": source, "p/root": b"imports: [a]\nvalues: {other: 1}"}).compare()


@given(st.data())
@looked_for(0.15)
def test_the_official_cases_with_changes_come_to_the_same(built: Built, oracle: Oracle, tally: Tally, data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(cases(built.cases)))
    source = data.draw(mutated([case.root.decode()]))
    imported = {name: content for name, content in case.documents.items() if name != "env"}
    Pair(oracle, tally, {**imported, "env": source}).compare("env")


@given(rotating())
@looked_for(0.05)
def test_what_a_rotation_made_is_there_once_it_is_written_back(oracle: Oracle, tally: Tally, source: bytes) -> None:
    pair = Pair(oracle, tally, {"p/root": source})
    pair.compare()
    rotated = pair.evaluator.rotate(pair.documents.document("p/root"))
    if rotated.properties is None or any(said.error for said in rotated.diagnostics):
        return
    written = apply_patches(source, rotated.patches)
    asked = oracle.ask(written, {}, name="p/root", modes=["eval"], context=CONTEXT)
    assert [said for said in asked["load"]["diagnostics"] if said["severity"] == "error"] == []
    if b"previous: null" in written:
        return  # that rotator makes no state that it takes itself, the first time
    assert [said for said in asked["eval"]["diagnostics"] if said["severity"] == "error"] == []
    assert official(asked["eval"]).revealed == ours(rotated).revealed
    assert official(asked["eval"]).redacted == ours(rotated).redacted


@given(worlds(most=1))
@looked_for(0.1)
def test_a_sealed_document_comes_to_the_same(oracle: Oracle, tally: Tally, world: World) -> None:
    source = world.documents["p/root"]
    before = oracle.ask(source, {}, name="p/root", modes=["eval"], context=CONTEXT)
    if before["load"]["none"] or "panic" in before["eval"]:
        return
    plaintexts: list[bytes] = []
    sealed = seal_secrets(source, lambda plaintext: plaintexts.append(plaintext) or Rot128().encrypt(plaintext))
    if any(len(plaintext) < 4 for plaintext in plaintexts):
        return  # an envelope does not hold so little, which a real cipher never makes of it
    after = oracle.ask(sealed, {}, name="p/root", modes=["eval"], context=CONTEXT)
    assert official(after["eval"]).revealed == official(before["eval"]).revealed
    assert official(after["eval"]).redacted == official(before["eval"]).redacted
    assert after["load"]["diagnostics"] == [] or before["load"]["diagnostics"] != []
    Pair(oracle, tally, {"p/root": sealed}).compare()
    if b"ciphertext" in source:
        return  # of which some cannot be decrypted
    opened = oracle.ask(reveal_secrets(sealed, Rot128()), {}, name="p/root", modes=["eval"], context=CONTEXT)
    assert official(opened["eval"]).revealed == official(before["eval"]).revealed


@given(worlds())
@looked_for(0.1)
def test_what_is_known_without_opening_is_what_it_comes_to(world: World) -> None:
    documents = Documents(world.documents, FOLDER, ALIASES)
    evaluator = Evaluator(documents, FakeProviders(), context={key: value_of(value) for key, value in CONTEXT.items()})
    for name in world.documents:
        closed = evaluator.evaluate(documents.document(name), opens=lambda site: False)
        opened = evaluator.evaluate(documents.document(name))
        assert not closed.opened
        assert (closed.properties is None) == (opened.properties is None)
        for key, value in (closed.properties or {}).items():
            assert opened.properties
            _assert_part(value, opened.properties[key], broken=closed.broken)


def _assert_part(closed: Value, opened: Value, *, broken: bool) -> None:
    if closed.unknown:
        assert closed.pending or broken or opened.unknown  # nobody is to blame but what was not opened
        return
    assert closed.secret or not opened.secret
    match closed.value:
        case list():
            assert isinstance(opened.value, list)
            for own, full in zip(closed.value, opened.value, strict=True):
                _assert_part(own, full, broken=broken)
        case dict():
            assert isinstance(opened.value, dict)
            for key, own in closed.value.items():
                _assert_part(own, opened.value[key], broken=broken)
        case _:
            assert opened.value == closed.value


CANARY = "hunter22"
# As it is, and within a text that was encoded: at each of the three alignments.
SHOWN = [CANARY, *(base64.b64encode(b"x" * shift + CANARY.encode())[shift and 4 :].rstrip(b"=")[:8].decode() for shift in range(3))]


@given(worlds(canary=CANARY))
@looked_for(0.15)
def test_no_secret_is_shown(tally: Tally, world: World) -> None:
    documents = Documents(world.documents, FOLDER, ALIASES)
    evaluator = Evaluator(documents, FakeProviders())
    refusing = any(b"error" in source for source in world.documents.values())  # that provider says what it is given
    for name in world.documents:
        for found in (evaluator.evaluate(documents.document(name)), evaluator.check(documents.document(name), show_secrets=True)):
            answer = ours(found)
            masked = [answer.redacted, [text for text, secret in (*answer.variables.values(), *answer.files.values()) if not secret]]
            said = repr(masked) + repr(plain(found.properties or {})) + ("" if refusing else repr(answer.diagnostics))
            assert not [form for form in SHOWN if form in said]


def test_the_elements_of_a_secret_that_was_split_stay_masked(oracle: Oracle, tally: Tally) -> None:
    """The difference that is meant to be there."""
    pair = Pair(oracle, Tally(), {"a": b"values: {p: {fn::split: [',', {fn::secret: 'x,y'}]}, q: '${p[0]}', r: 'z${p[1]}'}"})
    theirs = official(oracle.ask(pair.sources["a"], {}, name="a", modes=["eval"])["eval"])
    own = ours(pair.evaluator.evaluate(pair.documents.document("a")))
    assert theirs.revealed == own.revealed == {"p": ["x", "y"], "q": "x", "r": "zy"}
    assert theirs.redacted == {"p": "[secret]", "q": "x", "r": "zy"}
    assert own.redacted == {"p": "[secret]", "q": "[secret]", "r": "[secret]"}


def test_a_difference_would_be_found(oracle: Oracle, tally: Tally) -> None:
    pair = Pair(oracle, Tally(), {"a": b"values: {a: 1, s: {fn::secret: x}}"})
    result = oracle.ask(pair.sources["a"], pair.sources, name="a", modes=["eval"])["eval"]
    theirs = official(result)
    assert theirs.revealed == {"a": Number("1"), "s": "x"}
    for other in (
        replace(theirs, revealed={"a": Number("1.0"), "s": "x"}),
        replace(theirs, revealed={"a": True, "s": "x"}),
        replace(theirs, redacted={"a": Number("1"), "s": "x"}),
        replace(theirs, diagnostics=(Said("a", 1, 1, "warning", "more", ""),)),
        replace(theirs, none=True),
    ):
        assert differences(theirs, other)
    assert Value(Number("1")).plain() == 1
