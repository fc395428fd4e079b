"""What is kept from one root to the next is what each root alone comes to: values, masks, layers, diagnostics in their order."""

from collections.abc import Mapping

from hypothesis import HealthCheck, given, settings

from infra_assets.environments.language import Document, Evaluation, Evaluator, Site, plain, value_of
from tests.environments.language.comparison import ours
from tests.environments.language.fakes import Documents, FakeProviders
from tests.environments.language.strategies import World, worlds

CONTEXT = {"pulumi": value_of({"user": {"id": "USER_123"}})}


def evaluator(sources: Mapping[str, bytes]) -> Evaluator:
    return Evaluator(Documents(sources), FakeProviders(), context=CONTEXT)


def never(site: Site) -> bool:
    return False


def all_of(found: Evaluation) -> object:
    pending = {key: value.pending for key, value in (found.properties or {}).items()}
    sites = {site: inputs and plain(inputs, reveal=True) for site, inputs in found.sites.items()}
    return ours(found), found.diagnostics, dict(found.closure), set(found.opened), sites, pending


@given(worlds())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_kept_import_changes_nothing(world: World) -> None:
    kept = evaluator(world.documents)
    for _ in range(2):
        for name, source in world.documents.items():
            document = Document(name, "1", source)
            for opens in (lambda _: True, never):
                assert all_of(kept.evaluate(document, opens=opens)) == all_of(evaluator(world.documents).evaluate(document, opens=opens))
            assert all_of(kept.check(document)) == all_of(evaluator(world.documents).check(document))


@given(worlds())
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_not_opened_is_no_error_of_its_own(world: World) -> None:
    for name, source in world.documents.items():
        document = Document(name, "1", source)
        waiting = evaluator(world.documents).evaluate(document, opens=never)
        assert waiting.opened == ()
        known = {summary.summary for summary in evaluator(world.documents).check(document, show_secrets=True).diagnostics}
        known |= {said.summary for said in evaluator(world.documents).evaluate(document).diagnostics}
        if not waiting.sites:
            assert {said.summary for said in waiting.diagnostics} <= known
