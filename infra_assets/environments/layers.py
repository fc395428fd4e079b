"""How environments stand to TEPs: what their names mean."""

from infra_assets.fleet.models import Tep

TENANTS = "tenants"
FLEET = "fleet"
RING = "ring"
GLOBAL = "global"
CONFIGURATION = "pulumiConfig"
LOGINS = {
    "deploy": ("aws", "login"),
    "bootstrap": ("aws", "bootstrap"),
    "preview": ("aws", "preview"),
    "inspect": ("aws", "inspect"),
}
"""Where a TEP's environment has the login for each role. The last two only read: what is deployed as `deploy`, and as `bootstrap`."""
READING = {"deploy": "preview", "bootstrap": "inspect"}
"""As what a cell is looked at, by the role that it is deployed as."""
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
LOGIN_DURATION = "1h"  # as long as AWS allows where one role assumes another


def root(tep: Tep) -> str:
    """Return the name of the environment that a TEP's stacks are configured by."""
    return f"{TENANTS}/{tep.name}"
