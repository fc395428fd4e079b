"""boto3 sessions of ours, and what they share.

The warm host has this module loaded, for all its forks: it imports nothing else of ours, so that a run executes what lies on disk.
"""

import os
from collections.abc import Iterable
from functools import cache
from typing import Any


def isolated_session(**keys: str | None) -> Any:
    """Return a boto3 session that reads neither `AWS_*` variables nor files in the home folder: what stands there is not ours."""
    import boto3  # an expensive import that most commands do not need
    import botocore.session

    kind: Any = botocore.session.Session
    variables = {name: (None, None, default, convert) for name, (_, _, default, convert) in kind.SESSION_VARIABLES.items()}
    for name, value in {"config_file": os.devnull, "credentials_file": os.devnull, "ignore_configured_endpoint_urls": True}.items():
        variables[name] = (None, None, value, None)
    session = kind(session_vars=variables)
    loader = _loader()
    session.register_component("data_loader", loader)
    made = boto3.Session(botocore_session=session, **keys)
    loader.search_paths[:] = dict.fromkeys(loader.search_paths)  # each boto3 session adds its own folder once more
    return made


def preload(services: Iterable[str]) -> None:
    """Read the descriptions of these services, for this process and its forks. Nothing is connected to."""
    session = isolated_session(aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106  # nothing is asked with it
    for service in services:
        session.client(service, region_name="us-east-1")


@cache
def _loader() -> Any:
    """Return what reads the descriptions of AWS' services and keeps them; reading EC2's costs 60 ms of CPU."""
    import botocore.loaders

    module: Any = botocore.loaders
    return module.create_loader()
