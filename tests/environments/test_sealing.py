"""Secrets at rest: what is sealed opens again with the right key, and with no other."""

import base64
import traceback
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from infra_assets.environments.language.model import DecryptionError
from infra_assets.environments.seal_keys import key_id
from infra_assets.environments.sealing import Sealer, new_key, sealer
from infra_assets.errors import InfraError, NotRunningError, UsageError
from infra_assets.sandbox import emulator
from infra_assets.sandbox.cloud import SANDBOX_KEY, Aws
from infra_assets.sandbox.emulator import Emulator, Fault

SECRET = b"canary-4711, the plaintext"
REGION = "eu-central-1"


@dataclass
class Given:
    """Settings."""

    seal_key_file: Path | None = None
    seal_key: SecretStr | None = None
    seal_kms_key: str | None = None


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    yield emulator.start(folder)
    emulator.stop(folder)


@pytest.fixture(scope="module")
def aws(running: Emulator) -> Aws:
    return Aws(emulator.environment(running) | {"AWS_ACCESS_KEY_ID": SANDBOX_KEY, "AWS_SECRET_ACCESS_KEY": SANDBOX_KEY})


@pytest.fixture
def kms_key(aws: Aws) -> str:
    return aws.client(aws.session(), "kms", REGION).create_key()["KeyMetadata"]["Arn"]


def with_keys(*keys: str) -> Sealer:
    return sealer(Given(seal_key=SecretStr(" ".join(keys))))


def identity(key: str) -> str:
    return key_id(base64.b64decode(key))


def kms_calls(running: Emulator, since: int) -> list[str]:
    return [call.action for call in emulator.calls(running, since) if call.service == "kms"]


def test_a_key_from_the_environment_seals_and_opens():
    sealing = with_keys(new_key())
    sealed = sealing.encrypt(SECRET)
    assert SECRET not in sealed
    assert sealing.decrypt(sealed) == SECRET
    assert sealing.decrypt(sealing.encrypt(b"")) == b""
    assert sealing.encrypt(SECRET) != sealed


def test_keys_from_a_file_with_comments(tmp_path: Path):
    old, new = new_key(), new_key()
    file = tmp_path / "seal.key"
    file.write_text(f"# since spring\n{new}  # the newest\n\n{old}\n")
    file.chmod(0o644)
    sealing = sealer(Given(seal_key_file=file))
    assert sealing.decrypt(with_keys(old).encrypt(SECRET)) == SECRET
    assert with_keys(new).decrypt(sealing.encrypt(SECRET)) == SECRET


def test_after_a_change_of_keys_the_first_seals_and_all_open():
    old, new = new_key(), new_key()
    sealed = with_keys(old).encrypt(SECRET)
    both = with_keys(new, old)
    assert both.decrypt(sealed) == SECRET
    assert with_keys(new).decrypt(both.encrypt(SECRET)) == SECRET


def test_the_environment_goes_before_the_file(tmp_path: Path):
    of_file, of_environment = new_key(), new_key()
    file = tmp_path / "seal.key"
    file.write_text(of_file)
    sealing = sealer(Given(seal_key_file=file, seal_key=SecretStr(of_environment)))
    assert with_keys(of_environment).decrypt(sealing.encrypt(SECRET)) == SECRET
    assert sealing.decrypt(with_keys(of_file).encrypt(SECRET)) == SECRET


def test_a_key_that_is_missing_is_named_with_what_to_set():
    needed, other = new_key(), new_key()
    sealed = with_keys(needed).encrypt(SECRET)
    for sealing, known in ((with_keys(other), identity(other)), (sealer(Given()), "none")):
        with pytest.raises(DecryptionError) as raised:
            sealing.decrypt(sealed)
        assert str(raised.value) == (f"key {identity(needed)} is needed (known: {known}): add it to INFRA_SEAL_KEY_FILE or INFRA_SEAL_KEY")


def test_without_a_key_nothing_is_sealed():
    with pytest.raises(InfraError, match="no key to seal secrets with\nSet INFRA_SEAL_KEY_FILE, INFRA_SEAL_KEY or INFRA_SEAL_KMS_KEY"):
        sealer(Given()).encrypt(SECRET)


def test_every_cut_and_every_changed_byte_is_noticed():
    sealing = with_keys(new_key())
    sealed = sealing.encrypt(SECRET)
    cuts = [sealed[:length] for length in range(len(sealed))]
    changes = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    for damaged in [*cuts, *changes, sealed + b"x", b"garbage", b"\xff" * 80]:
        with pytest.raises(DecryptionError) as raised:
            sealing.decrypt(damaged)
        assert "canary" not in "".join(traceback.format_exception(raised.value))


def test_what_was_sealed_elsewhere_is_told_as_such():
    with pytest.raises(DecryptionError, match="was not sealed here"):
        with_keys(new_key()).decrypt(b"escx and so on")


@pytest.mark.parametrize("key", ["not base64!", "c2hvcnQ=", base64.b64encode(b"x" * 33).decode()])
def test_what_is_no_key_is_refused_without_showing_it(key: str, tmp_path: Path):
    file = tmp_path / "seal.key"
    file.write_text(f"\n# none\n{key}\n")
    with pytest.raises(UsageError, match=r"seal\.key:3: not a key") as raised:
        sealer(Given(seal_key_file=file))
    assert key not in str(raised.value)
    word = key.replace(" ", "")
    with pytest.raises(UsageError, match="INFRA_SEAL_KEY: key 2: not a key") as raised:
        sealer(Given(seal_key=SecretStr(f"{new_key()},{word}")))
    assert word not in str(raised.value)


def test_a_file_that_everybody_may_write_is_refused(tmp_path: Path):
    file = tmp_path / "seal.key"
    file.write_text(new_key())
    file.chmod(0o666)
    with pytest.raises(UsageError, match=f"everybody may write to {file}\nchmod o-w {file}"):
        sealer(Given(seal_key_file=file))
    file.chmod(0o664)
    assert sealer(Given(seal_key_file=file)).encrypt(SECRET)


def test_a_file_that_is_missing_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match=r"INFRA_SEAL_KEY_FILE: .*/nothing: No such file"):
        sealer(Given(seal_key_file=tmp_path / "nothing"))


def test_nothing_shows_a_key():
    key = new_key()
    sealing = with_keys(key)
    shown = repr(vars(sealing)) + str(sealing)
    assert identity(key) in shown
    assert key not in shown
    assert repr(base64.b64decode(key)) not in shown


def test_kms_is_asked_once_for_each_data_key(aws: Aws, running: Emulator, kms_key: str):
    before = emulator.calls(running)[-1].n
    sealing = sealer(Given(seal_kms_key=kms_key), aws)
    sealed = [sealing.encrypt(f"secret {number}".encode()) for number in range(20)]
    assert kms_calls(running, before) == ["GenerateDataKey"]
    opening = sealer(Given(seal_kms_key=kms_key), lambda: aws)
    assert [opening.decrypt(each) for each in sealed] == [f"secret {number}".encode() for number in range(20)]
    assert kms_calls(running, before) == ["GenerateDataKey", "Decrypt"]
    # What it has opened it seals with, too: a document's secrets need one data key, however often it is edited.
    assert sealing.decrypt(opening.encrypt(SECRET)) == SECRET
    assert kms_calls(running, before) == ["GenerateDataKey", "Decrypt"]


def test_kms_goes_before_plain_keys_and_both_open(aws: Aws, kms_key: str):
    key = new_key()
    sealing = sealer(Given(seal_key=SecretStr(key), seal_kms_key=kms_key), aws)
    assert sealing.decrypt(with_keys(key).encrypt(SECRET)) == SECRET
    sealed = sealing.encrypt(SECRET)
    with pytest.raises(DecryptionError, match=f"KMS key {kms_key} is needed: add it to INFRA_SEAL_KMS_KEY"):
        with_keys(key).decrypt(sealed)


def test_a_change_of_kms_keys(aws: Aws, kms_key: str):
    newer = aws.client(aws.session(), "kms", REGION).create_key()["KeyMetadata"]["Arn"]
    sealed = sealer(Given(seal_kms_key=kms_key), aws).encrypt(SECRET)
    both = sealer(Given(seal_kms_key=f"{newer}, {kms_key}"), aws)
    assert both.decrypt(sealed) == SECRET
    assert sealer(Given(seal_kms_key=newer), aws).decrypt(both.encrypt(SECRET)) == SECRET


def test_a_kms_that_refuses_is_told(aws: Aws, running: Emulator, kms_key: str):
    sealed = sealer(Given(seal_kms_key=kms_key), aws).encrypt(SECRET)
    refused = [
        Fault("kms", action, status=400, code="AccessDeniedException", message="not you") for action in ("Decrypt", "GenerateDataKey")
    ]
    emulator.add_faults(running, refused)
    sealing = sealer(Given(seal_kms_key=kms_key), aws)
    try:
        with pytest.raises(DecryptionError, match=f"KMS key {kms_key} does not open the ciphertext: AccessDeniedException: not you"):
            sealing.decrypt(sealed)
        with pytest.raises(InfraError, match=f"KMS key {kms_key} makes no data key: AccessDeniedException: not you"):
            sealing.encrypt(SECRET)
    finally:
        emulator.clear_faults(running)
    assert sealing.decrypt(sealed) == SECRET


def test_a_damaged_data_key_is_told(aws: Aws, kms_key: str):
    sealing = sealer(Given(seal_kms_key=kms_key), aws)
    sealed = sealing.encrypt(SECRET)
    for at in (0, 2, 5, 3 + len(kms_key) + 1, 3 + len(kms_key) + 10, 3 + len(kms_key) + 60, len(sealed) - 1):
        with pytest.raises(DecryptionError):
            sealing.decrypt(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])
    for length in range(len(sealed)):
        with pytest.raises(DecryptionError):
            sealing.decrypt(sealed[:length])


@pytest.mark.parametrize("name", ["alias/environments", "1234abcd", "arn:aws:kms:eu-central-1:123456789012:alias/environments"])
def test_a_kms_key_is_given_by_its_arn(name: str):
    with pytest.raises(UsageError, match=f"INFRA_SEAL_KMS_KEY: {name} is not the ARN of a KMS key"):
        sealer(Given(seal_kms_key=name))


def test_without_aws_kms_is_told_when_it_is_needed(aws: Aws, kms_key: str):
    def down() -> Any:
        raise NotRunningError("the sandbox is not running", remedy="infra sandbox up starts it.")

    sealed = sealer(Given(seal_kms_key=kms_key), aws).encrypt(SECRET)
    key = new_key()
    for door, message in ((down, "the sandbox is not running"), (None, "AWS is not reached here")):
        sealing = sealer(Given(seal_key=SecretStr(key), seal_kms_key=kms_key), door)
        assert sealing.decrypt(with_keys(key).encrypt(SECRET)) == SECRET
        with pytest.raises(DecryptionError, match=message):
            sealing.decrypt(sealed)
