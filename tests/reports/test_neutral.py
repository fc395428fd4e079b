"""What is each TEP's own reads the same in all of them, and nothing else does."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from infra_assets.fleet.models import Ring, Tep
from infra_assets.reports.neutral import PLACEHOLDERS, neutral

ACME = Tep("acme", "prod", Ring.REGULAR, "eu-central-1", "111111111111", "0b7c9f0e-7a55-4d53-9d3e-2a6d0f3b8a01")
OTHER = Tep("other-co", "stag", Ring.BETA, "us-east-1", "222222222222", "5f1c4c5a-1d1f-4f0e-8a77-0c9d2e4b6a12")

names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
teps = st.builds(
    Tep, tenant=names, environment=names, ring=st.just(Ring.BETA), region=st.sampled_from(["us-east-1", "eu-west-2", "ap-southeast-3"]),
    account_id=st.from_regex(r"[0-9]{12}", fullmatch=True), external_id=st.uuids().map(str),
)  # fmt: skip
hexes = st.text("0123456789abcdef", min_size=17, max_size=17)


def own(tep: Tep, hexes: str) -> list[str]:
    return [
        tep.account_id, tep.external_id, tep.name, tep.tenant, tep.environment, tep.region, f"{tep.region}a", f"vpc-{hexes}",
        f"arn:aws:iam::{tep.account_id}:role/{tep.name}-deploy", f"{tep.tenant}_{tep.environment}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("arn:aws:iam::111111111111:role/deploy", "arn:aws:iam::{account}:role/deploy"),
        ("acme-prod-logs", "{tep}-logs"),
        ("s3://acme-logs/prod/", "s3://{tenant}-logs/{environment}/"),
        ("eu-central-1 eu-central-1b eu-central-12", "{region} {region}b eu-central-12"),
        ("0b7c9f0e-7a55-4d53-9d3e-2a6d0f3b8a01", "{external_id}"),
        ("vpc-0a1b2c3d4e5f60718/subnet-0a1b2c3d", "vpc-{id}/subnet-{id}"),
        ("tgw-attach-0a1b2c3d4e5f60718", "tgw-attach-{id}"),
        ("key/1b7c9f0e-7a55-4d53-9d3e-2a6d0f3b8a01", "key/{id}"),
        # Nothing of a TEP's own.
        ("product acmes 1111111111112 production", "product acmes 1111111111112 production"),
        ("registry/app:main-1a2b3c4d", "registry/app:main-1a2b3c4d"),
        ("ami-0a1b2c3d4e5f60718", "ami-0a1b2c3d4e5f60718"),
        ("report-20261129", "report-20261129"),
    ],
)
def test_texts(text: str, read: str) -> None:
    assert neutral(text, ACME) == read


def test_a_device_is_no_environment() -> None:
    tep = replace(ACME, environment="dev")
    assert neutral("/dev/xvda1 /dev/logs", tep) == "/dev/xvda1 /{environment}/logs"


def test_values_of_any_depth_keys_too() -> None:
    value = {"acme": [111111111111, True, None, 1.5, {"zone": "eu-central-1a"}], "count": 1}
    assert neutral(value, ACME) == {"{tenant}": ["{account}", True, None, 1.5, {"zone": "{region}a"}], "count": 1}


def test_no_key_is_lost_where_two_would_read_the_same() -> None:
    value = {"vpc-0a1b2c3d": 1, "vpc-1a1b2c3d": 2}
    assert list(neutral(value, ACME).values()) == [1, 2]


@given(teps, st.data())
def test_it_is_idempotent(tep: Tep, data: st.DataObject) -> None:
    pieces = st.sampled_from(
        [*own(tep, "0123456789abcdef0"), *PLACEHOLDERS, "-", "_", "/", "a", "1", "ami-0a1b2c3d", "i-", "{", "}", "vpc-"]
    )
    text = "".join(data.draw(st.lists(pieces | st.text(max_size=3), max_size=8)))
    once = neutral(text, tep)
    assert neutral(once, tep) == once


@given(st.recursive(st.text(max_size=5) | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_what_has_nothing_of_a_teps_own_stays(value: Any) -> None:
    assert neutral(value, replace(ACME, tenant="t" * 20, environment="e" * 20)) == value


@given(teps, teps, st.data())
def test_own_texts_of_two_teps_become_equal(one: Tep, two: Tep, data: st.DataObject) -> None:
    for tep in (one, two):
        # What is the tenant where it has the environment's name nobody can tell.
        assume(tep.tenant != tep.environment)
    slots = data.draw(st.lists(st.integers(0, len(own(one, "")) - 1), max_size=6))
    first, second = ([own(tep, data.draw(hexes))[slot] for slot in slots] for tep in (one, two))
    between = data.draw(st.sampled_from([" ", ":", "/", " = "]))
    assert neutral(between.join(first), one) == neutral(between.join(second), two)


def test_two_known_teps() -> None:
    texts = [neutral(own(tep, "0123456789abcdef0"), tep) for tep in (ACME, OTHER)]
    assert texts[0] == texts[1]
