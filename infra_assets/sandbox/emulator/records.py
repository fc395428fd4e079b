"""What the emulator's process and its clients say to each other: the process, a call, a fault."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

RECORD = "emulator.json"
LOCK = "emulator.lock"
LOG = "emulator.log"


@dataclass(frozen=True)
class Emulator:
    """A running emulator.

    `started` is its process' creation time (epoch s); `generation` changes with every start, because the memory is lost then.
    """

    pid: int
    started: float
    server_url: str
    proxy_url: str
    ca_bundle: Path
    generation: str


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS API call as it was answered. `service` is boto3's name for it, `n` counts from 1, `at` is epoch seconds."""

    n: int
    at: float
    duration_s: float
    service: str
    action: str
    account: str
    access_key_id: str
    region: str
    read_only: bool
    status: int


@dataclass(frozen=True)
class Fault:
    """What happens to calls of one action: a delay, an error, or both; `times` bounds it, `account` narrows it.

    `when="before"`: AWS has not done it yet when the delay or error strikes; `after`: it is done, only the answer is late or lost.
    An error is `status` with the AWS error code `code`.
    """

    service: str
    action: str
    delay_s: float = 0.0
    status: int | None = None
    code: str = "ServiceUnavailable"
    message: str = "The sandbox was told to answer this."
    times: int | None = None
    account: str | None = None
    when: Literal["before", "after"] = "before"


def environment(emulator: Emulator) -> dict[str, str]:
    """Return what children need in order to reach the emulator as AWS; merged over their own environment.

    Both spellings, because urllib (botocore) and gRPC prefer the lower-case one where a machine has set it. The loopback is left out
    of the proxy, because the engine, the provider and the program talk gRPC there.
    """
    proxy, direct = emulator.proxy_url, "127.0.0.1,localhost"
    return {
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "NO_PROXY": direct,
        "no_proxy": direct,
        "AWS_CA_BUNDLE": str(emulator.ca_bundle),
    }


def write(folder: Path, emulator: Emulator) -> None:
    """Write the record of a running emulator into `folder`, in one step."""
    fields = asdict(emulator) | {"ca_bundle": str(emulator.ca_bundle)}
    draft = folder / f"{RECORD}.{os.getpid()}"
    draft.write_text(json.dumps(fields))
    draft.replace(folder / RECORD)


def read(folder: Path) -> Emulator | None:
    """Return the emulator that was last recorded in `folder`, alive or not; None where there is none."""
    try:
        fields = json.loads((folder / RECORD).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return _emulator(fields)


def _emulator(fields: Mapping[str, Any]) -> Emulator | None:
    try:
        return Emulator(
            pid=int(fields["pid"]),
            started=float(fields["started"]),
            server_url=str(fields["server_url"]),
            proxy_url=str(fields["proxy_url"]),
            ca_bundle=Path(fields["ca_bundle"]),
            generation=str(fields["generation"]),
        )
    except (KeyError, TypeError, ValueError):
        # A record of another version of this program reads as no record: start then makes a new one.
        return None
