"""Links of the page as templates that its script fills in: 40,000 links would be more than all the rest of it."""

import re
from collections.abc import Iterable
from urllib.parse import quote

from infra_assets.fleet.models import Ring, Tep
from infra_assets.stacks.console import account_link, resource_link
from infra_assets.stacks.outcome import Change

_LINK = re.compile(r"(?:https?:/)?/\S*", re.IGNORECASE)
_ID, _NAME = "IDENTIFIER/NAME", "NAME"
_STANDS_FOR = Tep("TENANT", "ENVIRONMENT", Ring.REGULAR, "REGION", "ACCOUNT", "")


def is_link(address: str) -> bool:
    """Return whether an address is one to follow, not `javascript:` or the like."""
    return _LINK.fullmatch(address) is not None


def account_template() -> str:
    """Return the link into a TEP's account, with `{account}` and `{tep}`."""
    return account_link(_STANDS_FOR).replace("TENANT-ENVIRONMENT", "{tep}").replace("ACCOUNT", "{account}")


def page_templates(types: Iterable[str]) -> dict[str, str]:
    """Return the links to the resources of these types that have a page, with `{region}`, `{id}` and `{name}`, the end of the id."""
    return {type_: template for type_ in types if (template := _page_template(type_))}


def _page_template(type_: str) -> str | None:
    link = resource_link(_STANDS_FOR, Change(f"urn:pulumi:stack::project::{type_}::name", "same", id=_ID))
    return link and link.replace(quote(_ID, safe=""), "{id}").replace(_NAME, "{name}").replace("REGION", "{region}")
