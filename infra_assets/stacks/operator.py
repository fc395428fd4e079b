"""Operations on cells, whole: gate, workspace, engine, ledger. What Dagster's assets and the commands call."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pulumi.automation.errors import CommandError, StackAlreadyExistsError

from infra_assets.errors import InfraError
from infra_assets.fleet.database import connect
from infra_assets.sandbox import tools
from infra_assets.sandbox.cloud import Aws, environment
from infra_assets.sandbox.passphrase import read_passphrase
from infra_assets.settings import Settings
from infra_assets.stacks import engine
from infra_assets.stacks.cell import Cell, fingerprint
from infra_assets.stacks.command import FleetCommand
from infra_assets.stacks.gate import check_state, check_upstream
from infra_assets.stacks.inputs import Inputs, effective_inputs
from infra_assets.stacks.ledger import DEPLOYED, FAILED, REMOVED, Entry, Key, Ledger
from infra_assets.stacks.outcome import Outcome
from infra_assets.stacks.program import inline_program
from infra_assets.stacks.state import Lock, Store, open_store, read_checkpoint, read_locks
from infra_assets.stacks.unlock import unlock
from infra_assets.stacks.workspace import StackWorkspace, open_workspace


@dataclass(frozen=True)
class Deployment:
    """What became of a cell: the outcome, or None where its effective inputs are those of its last success."""

    inputs: Inputs
    reasons: list[str]
    """Why it was deployed: which inputs differ."""
    outcome: Outcome | None


class Operator:
    """Works on the stacks of one process: one TEP's, one after the other."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.ledger = Ledger(connect(settings.database_url))

    @cached_property
    def _tools(self) -> tools.Tools:
        found = tools.find(self._settings)
        if found is None:
            raise InfraError("the Pulumi engine is not set up", remedy="infra doctor says how; make demo does it.")
        return found

    @cached_property
    def _variables(self) -> Mapping[str, str]:
        return environment(self._settings) | {"PULUMI_CONFIG_PASSPHRASE": read_passphrase(self._settings)}

    @cached_property
    def _store(self) -> Store:
        return open_store(self._settings.state_backend, Aws(self._variables))

    def inputs(self, cell: Cell) -> Inputs:
        """Return a cell's effective inputs as they are now."""
        return effective_inputs(
            cell,
            self.ledger.successes([cell.tep.name]),
            engine=self._tools.engine_version,
            provider=self._tools.provider_version,
            operations_account=self._settings.operations_account,
        )

    def deploy(self, cell: Cell, *, run_id: str = "", rollout_id: str = "", force: bool = False) -> Deployment:
        """Bring a cell to its present inputs, if they are not those of its last success (or `force`).

        Raises:
            InfraError: the gate refuses; recorded in the ledger as a failure, nothing was changed.
        """
        key = (cell.tep.name, cell.project.name)
        inputs = self.inputs(cell)
        last = self._last_success(cell)
        reasons = inputs.differences(last.inputs) if last else [self._why_not_deployed(key)]
        if not reasons and not force:
            return Deployment(inputs, [], None)
        number = self.ledger.begin(key, "up", inputs.as_mapping(), run_id=run_id, rollout_id=rollout_id)
        with self._recorded(number):
            check_upstream(cell, self.ledger.latest([cell.tep.name]))
            with self._workspace(cell) as workspace:
                outcome = engine.operate(workspace, engine.UP, inline_program(cell.project))
                outputs_hash = self._outputs_hash(workspace, outcome)
            self.ledger.finish(
                number,
                DEPLOYED if outcome.ok else FAILED,
                changes=outcome.counts,
                resources=self._resources(cell),
                outputs=self._shown(cell, outcome.outputs),
                outputs_hash=outputs_hash,
                message=self._message(workspace, outcome),
            )
        return Deployment(inputs, reasons or ["forced"], outcome)

    def preview(self, cell: Cell, *, refresh: bool = False) -> Outcome:
        """Say what `deploy` would do; with `refresh` against the cloud as it is. Changes nothing.

        Raises:
            InfraError: the state is damaged.
        """
        with self._workspace(cell, changing=False) as workspace:
            return engine.operate(workspace, engine.PREVIEW_REFRESH if refresh else engine.PREVIEW, inline_program(cell.project))

    def destroy(self, cell: Cell, *, run_id: str = "") -> Outcome:
        """Delete what a cell's stack holds, and record it.

        Raises:
            InfraError: the gate refuses.
        """
        number = self.ledger.begin((cell.tep.name, cell.project.name), "destroy", {}, run_id=run_id)
        with self._recorded(number):
            with self._workspace(cell) as workspace:
                outcome = engine.operate(workspace, engine.DESTROY, inline_program(cell.project))
            self.ledger.finish(
                number,
                REMOVED if outcome.ok else FAILED,
                changes=outcome.counts,
                resources=self._resources(cell),
                message=self._message(workspace, outcome),
            )
        return outcome

    def unlock(self, cell: Cell, lock_id: str) -> Lock:
        """Take a lock away that a killed operation has left; see `unlock.unlock`.

        Raises:
            InfraError: its owner may still run, or there is no such lock.
        """
        return unlock(self._store, cell.project.name, cell.tep.name, lock_id)

    def outputs(self, cell: Cell) -> dict[str, Any]:
        """Return a stack's outputs, secrets as `[secret]`."""
        with self._workspace(cell, changing=False) as workspace:
            return json.loads(workspace.run("stack", "output", "--json").stdout)

    def _why_not_deployed(self, key: Key) -> str:
        return "the last one failed" if key in self.ledger.latest([key[0]]) else "never deployed"

    def _resources(self, cell: Cell) -> int:
        checkpoint = read_checkpoint(self._store, cell.project.name, cell.tep.name)
        return checkpoint.resources if checkpoint else 0

    def _last_success(self, cell: Cell) -> Entry | None:
        return self.ledger.successes([cell.tep.name]).get((cell.tep.name, cell.project.name))

    @contextmanager
    def _recorded(self, number: int) -> Generator[None]:
        """Close an entry of the ledger whatever happens; the exception goes on."""
        try:
            yield
        except InfraError as error:
            self.ledger.finish(number, FAILED, message=str(error))
            raise
        except BaseException as error:
            self.ledger.finish(number, FAILED, message=f"interrupted ({type(error).__name__})")
            raise

    @contextmanager
    def _workspace(self, cell: Cell, *, changing: bool = True) -> Generator[StackWorkspace]:
        checkpoint = read_checkpoint(self._store, cell.project.name, cell.tep.name)
        if changing:
            locks = read_locks(self._store, cell.project.name, cell.tep.name)
            check_state(cell, checkpoint, locks, self.ledger.recorded_resources((cell.tep.name, cell.project.name)))
        settings = self._settings
        command = FleetCommand(
            self._tools.pulumi, self._tools.engine_version, limit_s=settings.operation_timeout_s, grace_s=settings.grace_s
        )
        with open_workspace(
            settings.home / "work",
            project=cell.project.name,
            stack=cell.tep.name,
            backend=settings.state_backend,
            configuration=cell.configuration(operations_account=settings.operations_account),
            secrets=checkpoint.secrets_provider if checkpoint else {},
            command=command,
            tools=self._tools,
            variables=self._variables,
        ) as workspace:
            if checkpoint is None:
                _create(workspace)
            yield workspace

    def _outputs_hash(self, workspace: StackWorkspace, outcome: Outcome) -> str | None:
        if not outcome.ok:
            return None
        if not outcome.has_secret_outputs:
            return fingerprint(outcome.outputs)
        # Masked values would all look alike: what is downstream must notice that a secret changed.
        return fingerprint(json.loads(workspace.run("stack", "output", "--json", "--show-secrets").stdout))

    @staticmethod
    def _shown(cell: Cell, outputs: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value if name in cell.project.about.public_outputs else None for name, value in outputs.items()}

    @staticmethod
    def _message(workspace: StackWorkspace, outcome: Outcome) -> str:
        if workspace.command.dirty:
            return f"{outcome.message}; the engine did not stop in time and was killed: its last step may be recorded nowhere"
        return outcome.message


def _create(workspace: StackWorkspace) -> None:
    try:
        workspace.command.run(["stack", "init", workspace.stack, "--no-select"], str(workspace.folder / "work"), workspace.variables)
    except StackAlreadyExistsError:
        return  # somebody else was quicker
    except CommandError as error:
        raise InfraError(
            f"stack {workspace.stack} cannot be created: {engine.explain(error)}", remedy="infra doctor checks the state backend."
        ) from None
