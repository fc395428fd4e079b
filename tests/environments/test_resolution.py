"""A resolved configuration: what it masks, how it is fingerprinted, and how it travels from a plan to a run."""

from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from infra_assets.environments.handover import Handover
from infra_assets.environments.language.model import Number, Value, value_of
from infra_assets.environments.resolution import CellConfiguration, Login, Resolution, dump, load
from infra_assets.environments.usage import Usage, Use, totals
from infra_assets.fleet.database import connect

NESTED = Value(
    {"host": value_of("db"), "password": value_of("hunter22", secret=True), "ports": Value([value_of(1), value_of(2, secret=True)])}
)
CELL = CellConfiguration(
    values={"service:database": NESTED, "service:count": Value(Number("1.50")), "service:whole": value_of({"a": "b"}, secret=True)},
    variables={"TOKEN": value_of("tok-123456", secret=True)},
)


def test_the_mask_has_the_paths_of_secrets_at_any_depth() -> None:
    assert CELL.mask == {"service:database.password", "service:database.ports[1]", "service:whole"}


def test_a_stacks_settings_have_no_secret_in_clear() -> None:
    settings = CELL.settings(lambda text: f"<{len(text)}>")
    assert settings == {
        "service:database": {"host": "db", "password": {"secure": "<8>"}, "ports": [1, {"secure": "<1>"}]},
        "service:count": 1.5,
        "service:whole": {"secure": "<10>"},  # as JSON
    }


def test_all_that_must_be_masked_is_known_in_clear() -> None:
    assert {"hunter22", "2", "tok-123456", "b", '{"a": "b"}'} <= set(CELL.secrets())


def test_fingerprints_follow_values_secrecy_and_the_key_and_nothing_else() -> None:
    def print_of(value: Value, key: bytes = b"k") -> str:
        return CellConfiguration({"a:b": value}).fingerprint(key)

    base = print_of(Value({"x": value_of(1), "y": value_of("s")}))
    assert base == print_of(Value({"y": value_of("s"), "x": value_of(1)}))
    assert base != print_of(Value({"x": value_of(1), "y": value_of("s", secret=True)}))
    assert base != print_of(Value({"x": value_of(1), "y": value_of("t")}))
    assert base != print_of(Value({"x": value_of(1), "y": value_of("s")}), b"other")


RESOLUTION = Resolution(
    "acme-prod", {"service": CELL}, {"deploy": Login(inputs=value_of({"assumeRole": {"roleArn": "arn"}}), current_environment="fleet/x")},
    closure={"tenants/acme-prod": "4"}, warnings=["w"],
)  # fmt: skip


def test_what_travels_arrives_as_it_was() -> None:
    assert load(dump(RESOLUTION)) == RESOLUTION


def test_a_handover_is_sealed_and_taken_once(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'infra.db'}")
    Handover(engine, b"key").give("r1", [RESOLUTION])
    with engine.connect() as connection:
        assert b"hunter22" not in connection.scalar(sa.text("SELECT sealed FROM handovers"))
    assert Handover(engine, b"key").take("r2", "acme-prod") is None
    assert Handover(engine, b"key").take("r1", "acme-prod") == RESOLUTION
    assert Handover(engine, b"key").take("r1", "acme-prod") is None


def test_what_is_given_again_replaces_what_nobody_took(tmp_path: Path) -> None:
    """A rollout that halted before a TEP's run began is planned once more when it is resumed."""
    engine = connect(f"sqlite:///{tmp_path / 'infra.db'}")
    again = replace(RESOLUTION, warnings=["resumed"])
    Handover(engine, b"key").give("r1", [RESOLUTION])
    Handover(engine, b"key").give("r1", [again])
    assert Handover(engine, b"key").take("r1", "acme-prod") == again
    assert Handover(engine, b"key").take("r1", "acme-prod") is None


def test_with_another_key_nothing_is_taken_and_a_run_resolves_by_itself(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'infra.db'}")
    Handover(engine, b"key").give("r1", [RESOLUTION])
    assert Handover(engine, b"another").take("r1", "acme-prod") is None


def test_opens_add_up_over_a_day_and_secrets_are_as_they_are_now(tmp_path: Path) -> None:
    usage = Usage(connect(f"sqlite:///{tmp_path / 'infra.db'}"))
    usage.record([Use("tenants/acme-prod", 1, 2, 9), Use("shared/app", 0, 1, 4)])
    usage.record([Use("tenants/acme-prod", 1, 3, 10)])
    found = totals(usage.read(days=1))
    assert (found["tenants/acme-prod"].opens, found["tenants/acme-prod"].secrets, found["tenants/acme-prod"].values) == (2, 3, 10)
    assert (found["shared/app"].opens, found["shared/app"].secrets) == (0, 1)
