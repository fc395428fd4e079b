"""Secrets that are made anew: passwords, and access keys of IAM users."""

import string
from typing import Any

import pytest

from infra_assets.environments.language.model import Plain, ProviderError, Value
from infra_assets.environments.providers import BuiltinProviders, Credentials, caller_account
from infra_assets.environments.providers.password import SPECIAL
from infra_assets.sandbox import emulator
from infra_assets.sandbox.cloud import Aws
from infra_assets.sandbox.emulator import Emulator, Fault
from tests.environments.providers.asking import ACCOUNT, CONTEXT, client, login, rotated, tenant, values


def password(inputs: dict[str, Plain], state: Value | None = None) -> Value:
    return rotated(BuiltinProviders().rotator("password"), inputs, state)


def test_a_password_is_as_long_and_as_mixed_as_wanted():
    wanted = {"length": 15, "minLower": 2, "minUpper": 3, "minNumeric": 1, "minSpecial": 5, "overrideSpecial": "!@"}
    for _ in range(50):
        made = password(wanted).plain(reveal=True)["current"]
        assert len(made) == 15
        for characters, least in ((string.ascii_lowercase, 2), (string.ascii_uppercase, 3), (string.digits, 1), ("!@", 5)):
            assert sum(each in characters for each in made) >= least
        assert set(made) <= set(string.ascii_letters + string.digits + "!@")


def test_a_password_has_sixteen_characters_of_all_classes_by_default():
    made = [password({}).plain(reveal=True)["current"] for _ in range(50)]
    assert {len(each) for each in made} == {16}
    assert len(set(made)) == 50
    assert all(set("".join(made)) & set(kind) for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits, SPECIAL))


def test_a_class_can_be_left_out():
    made = password({"length": 100, "lower": False, "special": False}).plain(reveal=True)["current"]
    assert set(made) <= set(string.ascii_uppercase + string.digits)


def test_the_password_before_stays_known():
    first = password({})
    second = password({}, first)
    third = password({}, second)
    assert first.plain() == {"current": "[secret]"}
    assert third.plain() == {"current": "[secret]", "previous": "[secret]"}
    assert third.plain(reveal=True)["previous"] == second.plain(reveal=True)["current"] != third.plain(reveal=True)["current"]
    assert BuiltinProviders().rotator("password").open({}, third.value, CONTEXT) == third


def test_without_a_state_there_is_nothing_to_open():
    for name in ("password", "aws-iam"):
        with pytest.raises(ProviderError, match=f"{name}: .* rotate it first"):
            BuiltinProviders().rotator(name).open({}, {}, CONTEXT)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"length": 7}, "length is not a whole number from 8 to 100"),
        ({"length": 8.5}, "length is not a whole number from 8 to 100"),
        ({"length": "16"}, "length is not a whole number"),
        ({"minUpper": 2, "upper": False}, "minUpper asks for characters that upper forbids"),
        ({"minUpper": 9, "minLower": 8}, "together are more than length"),
        (dict.fromkeys(("lower", "upper", "numeric", "special"), False), "no characters are left"),
    ],
)
def test_a_password_that_cannot_be(inputs: dict[str, Plain], message: str):
    with pytest.raises(ProviderError, match=message):
        password(inputs)


class User:
    """An IAM user in the tenant's account, whose keys are rotated."""

    def __init__(self, aws: Aws, name: str) -> None:
        self.arn = f"arn:aws:iam::{ACCOUNT}:user/service/{name}"
        self.name = name
        self.managing = tenant(aws)
        self.iam = client(aws, self.managing, "iam")
        self.iam.create_user(UserName=name, Path="/service/")
        self._rotator = BuiltinProviders(aws).rotator("aws-iam")

    def rotate(self, state: Value | None) -> Value:
        return rotated(self._rotator, {"region": "eu-central-1", "login": login(self.managing), "userArn": self.arn}, state)

    def open(self, state: Value) -> Value:
        login = Value("", unknown=True)
        return self._rotator.open({**values({"userArn": self.arn}), "login": login}, state.value, CONTEXT)

    def keys(self) -> set[str]:
        return {key["AccessKeyId"] for key in self.iam.list_access_keys(UserName=self.name)["AccessKeyMetadata"]}


@pytest.fixture
def user(aws: Aws, request: pytest.FixtureRequest) -> User:
    return User(aws, request.node.name[:60])


def key_ids(state: Value) -> dict[str, str]:
    return {name: key["accessKeyId"] for name, key in state.plain(reveal=True).items()}


def test_two_keys_are_valid_and_the_third_is_gone(user: User, aws: Aws):
    first = user.rotate(None)
    assert set(first.plain()) == {"current"}
    second = user.rotate(first)
    third = user.rotate(second)
    assert key_ids(second) == {"current": key_ids(second)["current"], "previous": key_ids(first)["current"]}
    assert key_ids(third)["previous"] == key_ids(second)["current"]
    assert user.keys() == set(key_ids(third).values())
    shown = user.open(third).plain()
    assert shown["current"]["secretAccessKey"] == shown["previous"]["secretAccessKey"] == "[secret]"
    assert shown["current"]["createDate"].endswith("Z")
    revealed = third.plain(reveal=True)["current"]
    assert caller_account(aws, Credentials(revealed["accessKeyId"], revealed["secretAccessKey"])) == ACCOUNT


def test_a_key_that_nobody_knows_is_named_and_kept(user: User):
    state = user.rotate(None)
    foreign = user.iam.create_access_key(UserName=user.name)["AccessKey"]["AccessKeyId"]
    with pytest.raises(ProviderError, match=f"has 2 keys already, of which the state does not know {foreign}: delete it"):
        user.rotate(state)
    assert user.keys() == {foreign, key_ids(state)["current"]}


def test_a_rotation_that_broke_off_before_the_new_key_is_taken_up_again(user: User, running: Emulator):
    second = user.rotate(user.rotate(None))
    emulator.add_faults(running, [Fault("iam", "CreateAccessKey", status=409, code="LimitExceeded", message="later", times=1)])
    with pytest.raises(ProviderError, match=r"create_access_key of user .*LimitExceeded: later"):
        user.rotate(second)
    assert user.keys() == {key_ids(second)["current"]}
    third = user.rotate(second)
    assert user.keys() == {key_ids(second)["current"], key_ids(third)["current"]}


def test_a_rotation_whose_state_was_not_written_is_told(user: User):
    second = user.rotate(user.rotate(None))
    lost = user.rotate(second)
    with pytest.raises(ProviderError, match=f"the state does not know {key_ids(lost)['current']}: delete it, or write it into the state"):
        user.rotate(second)


def test_a_user_of_another_account_is_not_touched(user: User, aws: Aws, running: Emulator):
    before = emulator.calls(running)[-1].n
    inputs = {"login": login(tenant(aws, "333333333333")), "userArn": user.arn}
    with pytest.raises(ProviderError, match=f"login is of account 333333333333, the user of {ACCOUNT}"):
        rotated(BuiltinProviders(aws).rotator("aws-iam"), inputs, None)
    assert [call.action for call in emulator.calls(running, before) if call.service == "iam"] == []


def test_what_is_not_a_user(aws: Aws):
    keys: dict[str, Any] = {"accessKeyId": "a", "secretAccessKey": "b"}
    with pytest.raises(ProviderError, match="userArn is not the ARN of a user"):
        rotated(BuiltinProviders(aws).rotator("aws-iam"), {"login": keys, "userArn": f"arn:aws:iam::{ACCOUNT}:role/x"}, None)


def test_a_key_is_opened_without_the_managing_credentials(user: User):
    state = user.rotate(None)
    assert user.open(state) == state
