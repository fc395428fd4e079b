"""targets.yaml: what it says, and what is said of what is wrong in it."""

from pathlib import Path

import pytest

from infra_assets.errors import UsageError
from infra_assets.fleet.models import Ring, Tep
from infra_assets.planning.amounts import seconds
from infra_assets.planning.targets import Amount, Limits, Targets, load_targets

ROOT = Path(__file__).parents[2]


def tep(tenant: str, environment: str, ring: Ring = Ring.REGULAR) -> Tep:
    return Tep(tenant, environment, ring, "us-east-1", "111111111111", "x")


FLEET = [
    tep("ourcompany", "dev", Ring.INTERNAL), tep("ourcompany", "prod", Ring.INTERNAL), tep("customer1", "prod", Ring.BETA),
    tep("customer2", "prod"), tep("customer3", "qa"),
]  # fmt: skip


def load(tmp_path: Path, text: str) -> Targets:
    file = tmp_path / "targets.yaml"
    file.write_text(text)
    return load_targets(file)


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(UsageError) as error:
        load(tmp_path, text)
    return error.value.message


def test_the_demo_has_the_five_targets_and_each_tep_belongs_to_one() -> None:
    targets = load_targets(ROOT / "targets.yaml")
    assert {name: target.branch for name, target in targets.targets.items()} == {
        name: name for name in ("dev", "test", "stag", "prod-beta", "prod")
    }
    assert targets.programs == "."
    found = {each.name: target.name for each in FLEET if (target := targets.of(each))}
    assert found == {"ourcompany-dev": "dev", "ourcompany-prod": "prod", "customer1-prod": "prod-beta", "customer2-prod": "prod"}
    assert [each.name for each in targets.members("prod", FLEET)] == ["ourcompany-prod", "customer2-prod"]
    assert targets.get("prod").max_failures.of(7, least=1) == 1


def test_without_a_file_or_with_an_empty_one_there_are_no_targets(tmp_path: Path) -> None:
    for targets in (load_targets(tmp_path / "none.yaml"), load(tmp_path, ""), load(tmp_path, "# nothing\n")):
        assert (targets.programs, targets.allow, targets.targets, targets.freezes) == (".", (), {}, ())
        assert targets.of(FLEET[0]) is None


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    targets = load(
        tmp_path,
        """
programs: https://github.com/acme/programs
allow: ["https://github.com/acme/*"]
targets:
  eu:
    branch: release/eu
    teps: ["*-prod"]
    tenants: [customer*]
    rings: [beta, reg*]
    max_failures: 3
    strict: true
    batch: 25%
    bake: 1h30m
    approve: [regular]
    limits: {cells: 500, deletes: 0}
    windows: [{days: [mon-wed, fri], from: 09:00, to: 17:30, zone: Europe/Berlin}]
  all: {teps: ["*"], branch: release/eu, approve: all, bake: 90, max_failures: 0}
freezes:
  - {from: 2026-12-20, until: 2027-01-03 06:00, zone: Europe/Berlin, targets: [eu], tenants: [a*], environments: [prod], reason: holidays}
""",
    )
    eu, rest = targets.targets.values()
    assert (eu.branch, eu.strict, eu.bake, eu.approve) == ("release/eu", True, 5400, (Ring.REGULAR,))
    assert (str(eu.max_failures), str(eu.batch), eu.limits) == ("3", "25%", Limits(cells=500, deletes=0, replacements=None))
    assert [str(window) for window in eu.windows] == ["mon-wed, fri 09:00-17:30 Europe/Berlin"]
    assert (rest.name, rest.branch, rest.approve, rest.bake, rest.max_failures.of(100, least=1)) == ("all", "release/eu", ("all",), 90, 0)
    assert [each.name for each in targets.members("eu", FLEET)] == ["customer1-prod", "customer2-prod"]
    assert [each.name for each in targets.members("all", FLEET)] == ["ourcompany-dev", "ourcompany-prod", "customer3-qa"]
    (freeze,) = targets.freezes
    assert (str(freeze.starts), str(freeze.ends)) == ("2026-12-19 23:00:00+00:00", "2027-01-03 05:00:00+00:00")


def test_a_target_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    targets = load(tmp_path, "targets: {dev: {environments: [dev]}, prod: {environments: [prod]}}")
    with pytest.raises(UsageError, match=r"no target 'prd'\ntargets.yaml has: dev, prod"):
        targets.members("prd", FLEET)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bake: soon", "targets.prod.bake: must be a duration: seconds, or such as 10m, 2h, 1h30m (line 4)"),
        ("bake: -5", "targets.prod.bake: must be a duration"),
        ("bake: true", "targets.prod.bake: must be a duration"),
        ("max_failures: 101%", "targets.prod.max_failures: must be a count or a percentage up to 100%"),
        ("max_failures: -1", "targets.prod.max_failures: must be a count"),
        ("max_failures: 1.5", "targets.prod.max_failures: must be a count"),
        ("batch: 0", "targets.prod.batch: a batch of none never ends"),
        ("rings: [bete]", "targets.prod.rings: unknown ring; there are internal, beta, regular (line 4)"),
        ("approve: [everyone]", "targets.prod.approve: must be rings (internal, beta, regular) or all"),
        ("limits: {cell: 3}", "targets.prod.limits.cell: unknown key (line 4)"),
        ("limits: {cells: true}", "targets.prod.limits.cells: Input should be a valid integer (line 4)"),
        ("environment: [prod]", "targets.prod.environment: unknown key (line 4)"),
        ("branch: a..b", "targets.prod.branch: is no name of a branch"),
        ("branch: --x", "targets.prod.branch: is no name of a branch"),
        ("teps: customer1-prod", "targets.prod.teps: Input should be a valid tuple (line 4)"),
        ("windows: [{days: someday}]", "targets.prod.windows.0.days: days are mon, tue"),
        ("windows: [{from: 25:00}]", "targets.prod.windows.0.from: must be a time of day, such as 09:00 (line 4)"),
        ("windows: [{from: 9}]", "targets.prod.windows.0.from: must be a time of day"),
        ("windows: [{from: '09:00', to: '09:00'}]", "targets.prod.windows.0: from and to are the same time"),
        ("windows: [{zone: Mars/Base}]", "targets.prod.windows.0.zone: must be a time zone"),
        ("windows: [{zone: ../../etc/passwd}]", "targets.prod.windows.0.zone: must be a time zone"),
    ],
)
def test_what_is_wrong_in_a_target_is_named_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    message = refused(tmp_path, f"targets:\n  prod:\n    environments: [prod]\n    {text}\n")
    assert message.startswith(f"targets.yaml: {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("targets: {prod: {branch: prod}}", "targets.yaml: targets.prod: selects nothing"),
        ("targets: {prod: }", "targets.yaml: targets.prod: selects nothing"),
        ("targets: {prod: {environments: []}}", "targets.yaml: targets.prod: selects nothing"),
        ("targets: {'a b': {teps: ['*']}}", "targets.yaml: targets.a b."),
        ("targets: {1: {teps: ['*']}}", "targets.yaml: targets.1"),
        ("targets: {prod: 3}", "targets.yaml: targets.prod: Input should be a valid dictionary"),
        ("targets: [prod]", "targets.yaml: targets: Input should be a valid dictionary"),
        ("[]", "targets.yaml: Input should be a valid dictionary"),
        ("target: {}", "targets.yaml: target: unknown key (line 1)"),
        ("targets:\n  a: {teps: [x]}\n  b: {teps: [y]}\n  a: {teps: [z]}", "targets.yaml: targets.a: line 4: stands twice"),
        ("freezes: [{from: 2026-12-20, until: 2026-12-19}]", "targets.yaml: freezes.0: until is before from (line 1)"),
        ("freezes: [{until: tomorrow}]", "targets.yaml: freezes.0.until: must be a date"),
        ("freezes: [{until: 2026}]", "targets.yaml: freezes.0.until: must be a date"),
        ("freezes: [{until: 9999-12-31}]", "targets.yaml: freezes.0: is too far away"),
        ("freezes: [{targets: [prod]}]", "targets.yaml: freezes: targets: prod: no such target"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(text: str, said: str, tmp_path: Path) -> None:
    assert refused(tmp_path, text).startswith(said)


@pytest.mark.parametrize("text", ["a: [", "\t", "a: 2026-13-45", "? [a]\n: b"])
def test_what_is_no_yaml_is_refused_with_the_file(text: str, tmp_path: Path) -> None:
    assert str(tmp_path / "targets.yaml") in refused(tmp_path, text) or "targets.yaml: " in refused(tmp_path, text)


def test_what_cannot_be_read_is_refused_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=str(tmp_path)):
        load_targets(tmp_path)
    (tmp_path / "targets.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"targets\.yaml"):
        load_targets(tmp_path / "targets.yaml")


@pytest.mark.parametrize(
    ("text", "total", "least", "expected"),
    [("3", 100, 1, 3), ("3", 2, 0, 3), ("0", 100, 1, 0), ("10%", 200, 1, 20), ("10%", 9, 1, 1), ("10%", 9, 0, 0), ("0%", 9, 1, 0),
     ("100%", 9, 0, 9), ("25%", 7, 0, 1)],
)  # fmt: skip
def test_an_amount_of_a_total(text: str, total: int, least: int, expected: int) -> None:
    amount = Amount.parse(text)
    assert amount.of(total, least=least) == expected
    assert str(amount) == text
    assert Amount.model_validate_json(amount.model_dump_json()) == amount


@pytest.mark.parametrize(("text", "expected"), [(0, 0), (90, 90), ("90", 90), ("90s", 90), ("10m", 600), ("2h", 7200), ("1d1h1m1s", 90061)])
def test_a_duration_in_seconds(text: str | int, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "m", "10x", "1.5h", "10m2h", "-1", None, False])
def test_what_is_no_duration(text: str | None) -> None:
    with pytest.raises(ValueError, match="must be a duration"):
        seconds(text)
