"""A fleet file: what it brings in, and what is refused, with the place, before anything is made."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from infra_assets.errors import UsageError
from infra_assets.fleet.database import connect
from infra_assets.fleet.document import read
from infra_assets.fleet.importer import Imported, import_fleet
from infra_assets.fleet.models import Ring
from infra_assets.fleet.registry import Registry

ROOT = Path(__file__).parents[2]

Import = Callable[[str], Imported]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(connect(f"sqlite:///{tmp_path / 'infra.db'}"))


@pytest.fixture
def created() -> list[str]:
    return []


@pytest.fixture
def bring_in(tmp_path: Path, registry: Registry, created: list[str]) -> Import:
    numbers = count(100)

    def create(name: str) -> str:
        created.append(name)
        return f"{next(numbers):012d}"

    def do(text: str) -> Imported:
        file = tmp_path / "fleet.yaml"
        file.write_text(text)
        return import_fleet(read(file), registry, create)

    return do


def test_the_example_has_the_seven_teps_of_three_rings(registry: Registry) -> None:
    numbers = count(1)
    import_fleet(read(ROOT / "fleet.yaml"), registry, lambda _: f"{next(numbers):012d}")
    rings = {tep.name: tep.ring for tep in registry.list()}
    assert rings == {
        "ourcompany-dev": Ring.INTERNAL,
        "ourcompany-test": Ring.INTERNAL,
        "ourcompany-stag": Ring.INTERNAL,
        "ourcompany-prod": Ring.INTERNAL,
        "customer1-prod": Ring.BETA,
        "customer2-prod": Ring.REGULAR,
        "customer3-prod": Ring.REGULAR,
    }


def test_what_an_environment_leaves_out_comes_from_its_tenant_and_then_from_the_defaults(bring_in: Import, registry: Registry) -> None:
    bring_in("""
defaults: {region: eu-west-1}
tenants:
  acme:
    ring: beta
    environments:
      prod: {}
""")
    acme = registry.get("acme-prod")
    assert (acme.ring, acme.region) == (Ring.BETA, "eu-west-1")


def test_a_second_import_changes_nothing_and_makes_no_account(bring_in: Import, registry: Registry, created: list[str]) -> None:
    text = "tenants: {acme: {environments: {dev: {}, prod: {}}}}"
    assert bring_in(text).added == ["acme-dev", "acme-prod"]
    before = registry.list()
    assert bring_in(text) == Imported(added=[], changed=[], unchanged=["acme-dev", "acme-prod"])
    assert registry.list() == before
    assert created == ["acme-dev", "acme-prod"]


def test_a_change_is_said_and_kept(bring_in: Import, registry: Registry) -> None:
    bring_in("tenants: {acme: {environments: {prod: {}}}}")
    assert bring_in("tenants: {acme: {ring: beta, environments: {prod: {}}}}").changed == ["acme-prod"]
    assert registry.get("acme-prod").ring is Ring.BETA


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tenants:\n  Acme:\n    environments:\n      prod: {}", "fleet.yaml:4: tenant 'Acme'"),
        (f"tenants:\n  {'a' * 37}:\n    environments:\n      prod: {{}}", "fleet.yaml:4: TEP"),
        (
            "tenants:\n  acme:\n    ring: gold\n    environments: {}",
            "fleet.yaml:3: tenants.acme.ring: Input should be 'internal', 'beta' or",
        ),
        ("tenants:\n  acme:\n    environments:\n      prod: {account: '12'}", "fleet.yaml:4: tenants.acme.environments.prod.account"),
        ("tenants:\n  acme:\n    enviroments: {}", "fleet.yaml:3: tenants.acme.enviroments: Extra inputs are not permitted"),
        ("tenants:\n  acme: {environments: {}}\n  acme: {environments: {}}", "fleet.yaml:3: tenants.acme stands twice"),
        ("tenants:\n  a-b:\n    environments:\n      c: {}\n  a:\n    environments:\n      b-c: {}", "fleet.yaml:7: TEP a-b-c is also at"),
        (
            "tenants:\n  a:\n    environments:\n      x: {account: '111111111111'}\n      y: {account: '111111111111'}",
            "fleet.yaml:5: account 111111111111 belongs to a-x",
        ),
        (
            "tenants:\n  acme:\n    environments:\n      prod:\n        settings: {}",
            "fleet.yaml:5: tenants.acme.environments.prod.settings: a TEP's configuration stands in its environment",
        ),
        ("tenants: [", "not YAML"),
        ("", "the file is empty"),
        ("tenants:\n  acme: 3", "fleet.yaml:2: tenants.acme: Input should be"),
    ],
)
def test_bad_files_are_refused_with_the_place_and_nothing_is_made(
    bring_in: Import, registry: Registry, created: list[str], text: str, said: str
) -> None:
    with pytest.raises(UsageError) as refused:
        bring_in(text)
    assert said in str(refused.value)
    assert registry.list() == []
    assert created == []


def test_an_account_of_a_tep_that_the_file_does_not_name_is_still_taken(bring_in: Import) -> None:
    bring_in("tenants: {a: {environments: {x: {account: '111111111111'}}}}")
    with pytest.raises(UsageError, match="account 111111111111 belongs to a-x"):
        bring_in("tenants: {b: {environments: {x: {account: '111111111111'}}}}")


def test_a_tep_never_moves_to_another_account(bring_in: Import) -> None:
    bring_in("tenants: {a: {environments: {x: {account: '111111111111'}}}}")
    with pytest.raises(UsageError, match="a-x is in account 111111111111, the file says 222222222222"):
        bring_in("tenants: {a: {environments: {x: {account: '222222222222'}}}}")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml.*No such file"):
        read(tmp_path / "none.yaml")
