"""The passphrase that encrypts secrets in the state: given, or made once and kept beside the sandbox's state."""

import os
import secrets
from pathlib import Path

from infra_assets.errors import InfraError
from infra_assets.settings import Settings


def read_passphrase(settings: Settings) -> str:
    """Return the passphrase; the sandbox makes itself one.

    Raises:
        InfraError: outside the sandbox none is set.
    """
    if settings.passphrase is not None:
        return settings.passphrase.get_secret_value()
    path = settings.home / "sandbox" / "passphrase"
    if settings.cloud != "sandbox":
        raise InfraError("no passphrase for the state's secrets", remedy="Set INFRA_PASSPHRASE.")
    if not path.exists():
        _write_once(path, secrets.token_urlsafe(24))
    return path.read_text(encoding="utf-8")


def _write_once(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="utf-8")
    try:
        os.link(fresh, path)  # fails if another process was first: then theirs counts
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
