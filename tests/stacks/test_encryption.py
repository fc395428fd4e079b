"""Pulumi's passphrase encryption; that the engine reads it is shown on the engine."""

import pytest

from infra_assets.errors import InfraError
from infra_assets.stacks.encryption import PassphraseCrypter, new_salt_line


def test_what_is_encrypted_is_read_again_and_never_looks_the_same() -> None:
    crypter = PassphraseCrypter("correct horse", new_salt_line("correct horse"))
    one, two = crypter.encrypt("ünïcode\n"), crypter.encrypt("ünïcode\n")
    assert one != two
    assert one.startswith("v1:")
    assert crypter.decrypt(one) == crypter.decrypt(two) == "ünïcode\n"


def test_another_passphrase_is_refused_at_once() -> None:
    line = new_salt_line("correct horse")
    with pytest.raises(InfraError, match="the passphrase is not the one"):
        PassphraseCrypter("battery staple", line)


@pytest.mark.parametrize("ciphertext", ["", "v1:xx", "v1:AAAA:AAAA", "nonsense"])
def test_what_is_no_ciphertext_is_refused_without_showing_it(ciphertext: str) -> None:
    crypter = PassphraseCrypter("correct horse", new_salt_line("correct horse"))
    with pytest.raises(InfraError, match="a secret of this stack cannot be decrypted"):
        crypter.decrypt(ciphertext)
