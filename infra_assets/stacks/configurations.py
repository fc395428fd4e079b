"""Configuration and credentials of the cells that one process works on: each TEP's environment is opened once."""

import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

from infra_assets.environments.cells import LOGIN
from infra_assets.environments.handover import Handover
from infra_assets.environments.language.model import ExecutionContext, ProviderError, Value
from infra_assets.environments.layers import LOGINS, root
from infra_assets.environments.opening import open_resolver, providers
from infra_assets.environments.providers import Clients, Credentials, StackOutputs, caller_account
from infra_assets.environments.resolution import CellConfiguration, Login, Resolution, Wanted
from infra_assets.environments.usage import Usage
from infra_assets.errors import InfraError
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Tep
from infra_assets.sandbox.cloud import Aws, environment
from infra_assets.sandbox.passphrase import read_passphrase
from infra_assets.settings import Settings
from infra_assets.stacks.cell import Cell

RENEW_S = 600
"""Credentials with less time left are not begun with."""


def fingerprint_key(settings: Settings) -> bytes:
    """Return the key under which configuration is fingerprinted: whoever has only the ledger cannot try values out."""
    return sha256(b"fingerprint" + read_passphrase(settings).encode()).digest()


class Configurations:
    """The configuration of the cells of one process."""

    def __init__(self, settings: Settings, outputs: StackOutputs, wanted: Callable[[Cell], Sequence[Wanted]]) -> None:
        self._settings = settings
        self._outputs = outputs
        self._wanted = wanted
        self._handed: dict[str, Resolution | None] = {}
        self._resolutions: dict[tuple[str, frozenset[tuple[str, str]]], Resolution] = {}
        self._credentials: dict[tuple[str, str], Credentials] = {}
        self._clients = Clients(lambda: Aws(environment(settings)))

    def cell(self, cell: Cell, rollout_id: str = "") -> CellConfiguration:
        """Return a cell's configuration: what the rollout's plan resolved, or at the cell's pins, or as it is now.

        Raises:
            InfraError: the TEP's environments have errors, or something could not be opened.
        """
        resolution = self._resolution(cell, rollout_id)
        found = resolution.cells.get(cell.project.name)
        if found is None or found.stacks or found.unresolved:
            # Its values come from what may have been deployed a moment ago.
            again = self._resolve(cell.tep, [item for item in self._wanted(cell) if item.project == cell.project.name], resolution.closure)
            found = again.cell(cell.project.name)
        if found.unresolved:
            raise InfraError(f"the configuration of {cell.name} cannot be opened: {found.unresolved}")
        return found

    def closure(self, cell: Cell) -> Mapping[str, str]:
        """Return the environments' revisions that a cell's configuration rests on."""
        found = self._known(cell)
        return found.closure if found else {}

    def warnings(self, cell: Cell) -> Sequence[str]:
        """Return what its environments' evaluation warned of."""
        found = self._known(cell)
        return found.warnings if found else ()

    def hold(self, cell: Cell, resolution: Resolution) -> None:
        """Take what somebody else has resolved for a cell's TEP, at the cell's pins, instead of resolving it again."""
        self._resolutions[_key(cell)] = resolution

    def credentials(self, cell: Cell, rollout_id: str = "", *, role: str = "") -> Credentials:
        """Return credentials for the cell's account, by the login of its TEP's environment; `role` is not the one it is deployed as.

        Raises:
            InfraError: there is no login, it is refused, or it leads into another account.
        """
        role = role or cell.project.about.role
        key = (cell.tep.name, role)
        known = self._credentials.get(key)
        if known is None or (known.expires_at is not None and known.expires_at.timestamp() < time.time() + RENEW_S):
            self._credentials[key] = self._log_in(cell.tep, role, self._resolution(cell, rollout_id).logins.get(role))
        return self._credentials[key]

    def _log_in(self, tep: Tep, role: str, login: Login | None) -> Credentials:
        path = ".".join(LOGINS[role])
        if login is None:
            raise InfraError(
                f"{root(tep)} has no {path}: nobody knows how to log in to account {tep.account_id}",
                remedy=f"Import fleet/{tep.name} there, or define {path} with fn::open::aws-login.",
            )
        try:
            credentials = Credentials.from_value(login.credentials or self._opened(tep, login))
            account = caller_account(self._clients, credentials, tep.region)
        except ProviderError as error:
            raise InfraError(f"{root(tep)}: {path}: {error}", remedy=f"infra env show {tep.name} shows how it logs in.") from None
        if account != tep.account_id:
            raise InfraError(
                f"{root(tep)}: {path} leads into account {account}, but {tep.name} is account {tep.account_id}; nothing was run",
                remedy="Mend the login, or the account in the fleet's register.",
            )
        return credentials

    def _opened(self, tep: Tep, login: Login) -> Value:
        assert login.inputs is not None
        assert isinstance(login.inputs.value, dict)
        context = ExecutionContext(root(tep), login.current_environment)
        teps = [tep]
        return providers(self._settings, lambda: teps, clients=self._clients).provider(LOGIN).open(login.inputs.value, context)

    def _resolution(self, cell: Cell, rollout_id: str) -> Resolution:
        tep = cell.tep
        if tep.name not in self._handed:
            handover = Handover(connect(self._settings.database_url), fingerprint_key(self._settings))
            self._handed[tep.name] = handover.take(rollout_id, tep.name) if rollout_id else None
        found = self._known(cell)
        if found is None:
            found = self._resolutions[_key(cell)] = self._resolve(tep, self._wanted(cell), cell.pins, counted=True)
        if found.problems:
            raise refused(found)
        return found

    def _known(self, cell: Cell) -> Resolution | None:
        return self._handed.get(cell.tep.name) or self._resolutions.get(_key(cell))

    def _resolve(self, tep: Tep, wanted: Sequence[Wanted], pins: Mapping[str, str] | None, *, counted: bool = False) -> Resolution:
        teps = [tep]
        resolver = open_resolver(self._settings, lambda: teps, stacks=self._outputs, pins=pins)
        found = resolver.resolve(tep, wanted)
        if counted:
            Usage(connect(self._settings.database_url)).record(resolver.uses())
        if found.problems:
            raise refused(found)
        return found


def _key(cell: Cell) -> tuple[str, frozenset[tuple[str, str]]]:
    return cell.tep.name, frozenset((cell.pins or {}).items())


def refused(resolution: Resolution) -> InfraError:
    """Return the error that a TEP's environments make of all its cells."""
    return InfraError(
        f"the environments of {resolution.tep} have errors:\n" + "\n".join(map(str, resolution.problems)),
        remedy=f"Nothing of {resolution.tep} is deployed until they are mended; infra env show {resolution.tep} shows them.",
    )
