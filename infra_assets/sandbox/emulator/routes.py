"""Which part of moto answers for a host and a path. moto looks through some 250 patterns at each request; this remembers."""

import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any, cast

from moto import backends
from moto.backend_index import backend_url_patterns
from moto.core.base_backend import BackendDict
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.utils import get_equivalent_url_in_aws_domain

Handler = Callable[[Any, str, Any], Any]
Paths = Sequence[tuple[re.Pattern[str], Handler]]
# Where the name in a signature is not that of the host; of what is in use.
SIGNING_ALIASES = {"eventbridge": "events"}
# moto's names of services where boto3's differ.
BOTO3_NAMES = {"awslambda": "lambda"}
GLOBAL_SERVICES = ("budgets", "cloudfront", "iam", "organizations", "route53")


def boto3_name(service: str) -> str:
    """Return boto3's name of a service that moto calls `service`."""
    return BOTO3_NAMES.get(service, service)


@lru_cache(maxsize=4096)
def service_of(scheme: str, host: str) -> str | None:
    """Return moto's name of the service at an AWS host; None where moto has none."""
    # One pattern wants a slash after the host; none looks further than that.
    url = get_equivalent_url_in_aws_domain(f"{scheme}://{host}/")[0].geturl()
    return next((service for service, pattern in backend_url_patterns if pattern.match(url)), None)


def handler_of(service: str, path: str) -> Handler | None:
    """Return what answers for `path` (encoded, without query) at a service; None where nothing does."""
    return next((handler for pattern, handler in paths_of(service) if pattern.match(path)), None)


@cache
def paths_of(service: str) -> Paths:
    """Return a service's handlers with the paths they answer for, in moto's order."""
    find_backend: Any = backends.get_backend
    accounts: Any = find_backend(service)
    if not isinstance(accounts, BackendDict):
        return _compiled(accounts["global"])
    # Only the paths are read off it, so whose and where it is does not matter.
    regions = cast("dict[str, Any]", accounts[DEFAULT_ACCOUNT_ID])
    return _compiled(regions["us-east-1" if "us-east-1" in regions else "aws"])


def _compiled(backend: Any) -> Paths:
    return [(re.compile(path), handler) for path, handler in backend.url_paths.items()]


def host_of(signing_name: str, region: str) -> str:
    """Return the AWS host that a request to the loopback means, by the service and region of its signature."""
    name = SIGNING_ALIASES.get(signing_name, signing_name) or "s3"
    return f"{name}.amazonaws.com" if name in GLOBAL_SERVICES else f"{name}.{region}.amazonaws.com"
