"""Names of tenants, environments and tenant-environment pairs (TEPs)."""

import re

from infra_assets.errors import UsageError

MAX_LENGTH = 40
_NAME = re.compile(rf"[a-z0-9-]{{1,{MAX_LENGTH}}}")


def check_name(name: str, *, what: str = "TEP") -> str:
    """Return `name` if it may name a tenant, an environment or a TEP.

    Raises:
        UsageError: it has other characters than `a-z`, `0-9` and `-`, or more than 40 of them.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{what} {name!r}: a name is 1 to {MAX_LENGTH} characters of a-z, 0-9 and -")
    return name


def tep_name(tenant: str, environment: str) -> str:
    """Return the TEP's name, `acme-prod` for `acme` and `prod`.

    Raises:
        UsageError: one of the three is no name.
    """
    return check_name(f"{check_name(tenant, what='tenant')}-{check_name(environment, what='environment')}")
