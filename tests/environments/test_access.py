"""Which environments may import which."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra_assets.environments.access import AccessRules, prefixes
from infra_assets.environments.language.model import LoadError, Position, Range
from infra_assets.environments.names import parse_name
from infra_assets.errors import UsageError


@dataclass(frozen=True)
class Import:
    name: str
    range: Range | None = None


class Imports:
    """Documents that are nothing but imports; counts how often each is asked for."""

    def __init__(self, documents: Mapping[str, Sequence[str]]) -> None:
        self.documents = {name: list(imports) for name, imports in documents.items()}
        self.asked: list[str] = []

    def __call__(self, name: str) -> Sequence[Import]:
        self.asked.append(name)
        if name not in self.documents:
            raise LoadError("there is none")
        at = Range(name, Position(2, 5, 13), Position(2, 9, 17))
        return [Import(imported, at) for imported in self.documents[name]]


def refused(documents: Mapping[str, Sequence[str]], root: str = "tenants/acme-prod") -> list[str]:
    return [diagnostic.summary.split(":")[0] for diagnostic in AccessRules().check(root, Imports(documents))]


@pytest.mark.parametrize(
    ("importer", "allowed", "not_allowed"),
    [
        (
            "tenants/acme-prod",
            ["shared/app", "ring/regular", "fleet/acme-prod", "tenants/acme", "tenants/acme-prod"],
            [
                "global/operations",
                "fleet/acme-test",
                "fleet/globex-prod",
                "tenants/globex",
                "tenants/acme-test",
                "tenants/ac",
                "default/app",
            ],
        ),
        ("tenants/acme", ["shared/app"], ["tenants/acme-prod", "global/operations"]),
        ("shared/app", ["shared/base"], ["ring/regular", "global/operations", "tenants/acme", "fleet/acme-prod"]),
        ("ring/internal", ["shared/app"], ["ring/regular", "global/operations"]),
        ("global/operations", ["global/base", "shared/app"], ["tenants/acme", "fleet/acme-prod"]),
        ("fleet/acme-prod", [], ["shared/app", "fleet/acme-test"]),
        ("ours/x", ["ours/y", "shared/app"], ["global/operations", "tenants/acme"]),
        ("default/x", ["default/y", "y", "shared/app"], ["global/operations"]),
    ],
)
def test_the_default_rules(importer: str, allowed: list[str], not_allowed: list[str]) -> None:
    rules = AccessRules()
    for name, expected in [*((name, True) for name in allowed), *((name, False) for name in not_allowed)]:
        assert rules.allows(parse_name(importer), parse_name(name)) is expected, name


def test_a_refused_import_says_where_it_stands_and_what_may_be_imported_instead() -> None:
    documents = {"tenants/acme-prod": ["shared/app", "global/operations"], "shared/app": []}
    (diagnostic,) = AccessRules().check("tenants/acme-prod", Imports(documents))
    assert diagnostic.error
    assert diagnostic.summary == (
        "tenants/acme-prod may not import global/operations: environments of project tenants may import "
        "shared/*, ring/*, fleet/acme-prod, tenants/acme"
    )
    assert diagnostic.range == Range("tenants/acme-prod", Position(2, 5, 13), Position(2, 9, 17))
    (diagnostic,) = AccessRules().check("fleet/acme-prod", Imports({"fleet/acme-prod": ["shared/app"]}))
    assert diagnostic.summary == "fleet/acme-prod may not import shared/app: environments of project fleet may import nothing"


def test_everything_that_is_imported_indirectly_is_checked_too() -> None:
    documents = {
        "tenants/acme-prod": ["shared/app", "tenants/acme"],
        "shared/app": ["shared/base"],
        "shared/base": ["global/operations"],
        "tenants/acme": ["tenants/globex"],
        "global/operations": ["tenants/globex"],
    }
    assert sorted(refused(documents)) == [
        "global/operations may not import tenants/globex",
        "shared/base may not import global/operations",
        "tenants/acme may not import tenants/globex",
    ]


@pytest.mark.parametrize("spelling", ["global/operations@3", "global/operations@stable", "global/operations@latest"])
def test_a_version_is_no_way_around(spelling: str) -> None:
    assert refused({"tenants/acme-prod": [spelling]}) == [f"tenants/acme-prod may not import {spelling}"]


def test_the_default_project_is_no_way_around() -> None:
    rules = AccessRules({"tenants": ["shared/*"]})
    for spelling in ("app", "default/app", "app@3"):
        assert len(rules.check("tenants/x", Imports({"tenants/x": [spelling]}))) == 1
        rules.forget(["tenants/x"])


def test_an_older_revision_is_followed_by_what_it_imports_itself() -> None:
    documents = {"tenants/acme-prod": ["shared/app@1"], "shared/app@1": ["global/operations"], "shared/app": []}
    assert refused(documents) == ["shared/app@1 may not import global/operations"]
    assert refused({"tenants/acme-prod": ["app@1"], "default/app@1": ["global/x"]}) == [
        "tenants/acme-prod may not import default/app@1",
        "default/app@1 may not import global/x",
    ]


def test_cycles_and_what_cannot_be_loaded_are_left_to_the_evaluator() -> None:
    documents = {
        "tenants/acme-prod": ["shared/a", "no name!", "shared/none"],
        "shared/a": ["shared/b"],
        "shared/b": ["shared/a", "shared/b"],
    }
    assert refused(documents) == []


def test_a_document_is_looked_at_once_until_it_is_forgotten() -> None:
    imports = Imports({f"tenants/t{number}-prod": ["shared/app"] for number in range(3)} | {"shared/app": ["shared/base"]})
    rules = AccessRules()
    for name in ("tenants/t0-prod", "tenants/t1-prod", "tenants/t2-prod", "tenants/t0-prod"):
        assert rules.check(name, imports) == []
    assert sorted(imports.asked) == sorted({*imports.asked})
    imports.documents["shared/app"] = ["global/operations"]
    rules.forget(["shared/app"])
    assert [each.summary.split(":")[0] for each in rules.check("tenants/t1-prod", imports)] == [
        "shared/app may not import global/operations"
    ]
    imports.documents["shared/app"] = []
    rules.forget(["shared/app"])
    assert rules.check("tenants/t2-prod", imports) == []


def test_forgetting_an_environment_forgets_its_revisions_and_tags() -> None:
    imports = Imports({"tenants/x": ["shared/app@stable"], "shared/app@stable": []})
    rules = AccessRules()
    assert rules.check("tenants/x", imports) == []
    imports.documents["shared/app@stable"] = ["global/operations"]
    rules.forget(["shared/app"])
    assert len(rules.check("tenants/x", imports)) == 1


def test_a_name_alone_leaves_several_tenants_possible_and_a_register_decides() -> None:
    assert set(prefixes("big-corp-prod")) == {"big", "big-corp"}
    imports = Imports({"tenants/big-corp-prod": ["tenants/big", "tenants/big-corp"]})
    assert AccessRules().check("tenants/big-corp-prod", imports) == []
    known = AccessRules(tenants=lambda environment: {"big-corp-prod": ["big-corp"]}.get(environment, []))
    (refusal,) = known.check("tenants/big-corp-prod", imports)
    assert refusal.summary.startswith("tenants/big-corp-prod may not import tenants/big:")
    assert refusal.summary.endswith("may import shared/*, ring/*, fleet/big-corp-prod, tenants/big-corp")


def test_rules_of_a_file_replace_the_default_ones(tmp_path: Path) -> None:
    file = tmp_path / "access.yaml"
    file.write_text("tenants: [shared/*, '{project}/{tenant}', 'global/public-?']\nglobal: []\n")
    rules = AccessRules.read(file)
    documents = {"tenants/acme-prod": ["shared/a", "tenants/acme", "global/public-1", "global/secret", "ring/regular", "fleet/acme-prod"]}
    found = [each.summary.split(":")[0].split()[-1] for each in rules.check("tenants/acme-prod", Imports(documents))]
    assert found == ["global/secret", "ring/regular", "fleet/acme-prod"]


def test_without_a_file_the_default_rules_hold(tmp_path: Path) -> None:
    assert AccessRules.read(tmp_path / "access.yaml") == AccessRules()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tenants: shared/*\n", r"access.yaml: tenants: .*list"),
        ("tenants: [shared/*, 3]\n", r"access.yaml: tenants\.1: .*string"),
        ("tenants: [shared/*, global]\n", r"access.yaml: tenants\.1: 'global' is no pattern"),
        ("tenants: [shared/a/b]\n", r"access.yaml: tenants\.0: 'shared/a/b' is no pattern"),
        ("tenants: ['{tenants}/x']\n", r"access.yaml: tenants\.0: .* is no pattern"),
        ("tenants: []\ntenants: [global/*]\n", r"access.yaml: tenants: stands there twice"),
        ("- x\n", r"access.yaml: the file: .*"),
        ("", r"access.yaml: the file: .*"),
        ("a: [\n", r"access.yaml: not YAML: .*line 2"),
    ],
)
def test_a_file_of_another_form_is_refused_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "access.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=said):
        AccessRules.read(file)


def test_thousands_of_roots_are_checked_quickly() -> None:
    shared = ["shared/app", "shared/network", "shared/cluster", "ring/regular"]
    documents = {f"tenants/acme-{number}": [*shared, "tenants/acme", f"fleet/acme-{number}"] for number in range(5000)}
    rules, imports = AccessRules(), Imports(documents | {name: [] for name in [*shared, "tenants/acme"]})
    started = time.process_time()
    assert all(rules.check(name, imports) == [] for name in documents)
    assert time.process_time() - started < 1.0  # a fifth of that on a quiet machine
