"""From a fleet file to the register: what is new, what changed, and accounts for those that have none.

Nothing is written before the whole file is checked, and all TEPs are written in one transaction.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from infra_assets.errors import UsageError
from infra_assets.fleet.document import Document, EnvironmentEntry, Layer, TenantEntry
from infra_assets.fleet.models import Ring, Tep
from infra_assets.fleet.names import tep_name
from infra_assets.fleet.registry import Registry

DEFAULT_REGION = "us-east-1"
CreateAccount = Callable[[str], str]
"""Given a TEP's name returns the id of its new AWS account."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, as TEP names."""

    added: Sequence[str]
    changed: Sequence[str]
    unchanged: Sequence[str]


def import_fleet(document: Document, registry: Registry, create_account: CreateAccount) -> Imported:
    """Bring the register to what the file says; TEPs that it does not name stay as they are.

    Raises:
        UsageError: a bad name, a name or an account that stands twice, a TEP whose account would change.
        InfraError: an account could not be created.
    """
    known = {tep.name: tep for tep in registry.list()}
    wanted = _wanted(document, known)
    _check_accounts(document, wanted, known)
    ready = {
        name: tep if tep.account_id else replace(tep, account_id=create_account(name))  # in the file's order
        for name, tep in wanted.items()
    }
    registry.save(ready.values())
    return Imported(
        added=[name for name in ready if name not in known],
        changed=[name for name, tep in ready.items() if name in known and known[name] != tep],
        unchanged=[name for name, tep in ready.items() if known.get(name) == tep],
    )


def teps_of(document: Document) -> list[Tep]:
    """Return a file's TEPs for looking at: where the file names no account it is all zeros.

    Raises:
        UsageError: a bad name, or one that stands twice.
    """
    return [replace(tep, account_id=tep.account_id or "0" * 12) for tep in _wanted(document, {}).values()]


def _wanted(document: Document, known: Mapping[str, Tep]) -> dict[str, Tep]:
    """Return the file's TEPs by name; `account_id` is empty where an account must be created."""
    wanted: dict[str, Tep] = {}
    origin: dict[str, str] = {}
    for tenant, tenant_entry in document.content.tenants.items():
        for environment, entry in tenant_entry.environments.items():
            place = document.at("tenants", tenant, "environments", environment)
            try:
                name = tep_name(tenant, environment)
            except UsageError as error:
                raise UsageError(f"{place}: {error.message}") from None
            if name in wanted:  # a-b + c and a + b-c are one name
                raise UsageError(f"{place}: TEP {name} is also at {origin[name]}")
            wanted[name] = _tep(document.content.defaults, tenant, tenant_entry, environment, entry, known.get(name))
            origin[name] = place
    return wanted


def _tep(defaults: Layer, tenant: str, tenant_entry: TenantEntry, environment: str, entry: EnvironmentEntry, known: Tep | None) -> Tep:
    layers: tuple[Layer, ...] = (entry, tenant_entry, defaults)
    return Tep(
        tenant=tenant,
        environment=environment,
        ring=next((layer.ring for layer in layers if layer.ring), Ring.REGULAR),
        region=next((layer.region for layer in layers if layer.region), DEFAULT_REGION),
        account_id=entry.account or (known.account_id if known else ""),
        external_id=known.external_id if known else str(uuid.uuid4()),
    )


def _check_accounts(document: Document, wanted: Mapping[str, Tep], known: Mapping[str, Tep]) -> None:
    owners = {tep.account_id: tep.name for tep in known.values() if tep.name not in wanted}
    for name, tep in wanted.items():
        place = document.at("tenants", tep.tenant, "environments", tep.environment, "account")
        if name in known and known[name].account_id != tep.account_id:
            raise UsageError(
                f"{place}: {name} is in account {known[name].account_id}, the file says {tep.account_id}",
                remedy="A TEP never moves between accounts; give a new TEP the new account.",
            )
        if tep.account_id and owners.setdefault(tep.account_id, name) != name:
            raise UsageError(f"{place}: account {tep.account_id} belongs to {owners[tep.account_id]}; each TEP has one of its own")
