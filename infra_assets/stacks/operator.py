"""Operations on cells, whole: gate, workspace, engine, ledger. What Dagster's assets and the commands call."""

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pulumi.automation.errors import CommandError, StackAlreadyExistsError

from infra_assets.environments.language.model import ProviderError
from infra_assets.environments.resolution import CellConfiguration, Wanted
from infra_assets.errors import InfraError
from infra_assets.fleet.database import connect
from infra_assets.sandbox import tools
from infra_assets.sandbox.cloud import Aws, environment
from infra_assets.sandbox.passphrase import read_passphrase
from infra_assets.settings import Settings
from infra_assets.stacks import engine
from infra_assets.stacks.asked import asked
from infra_assets.stacks.cell import Cell, fingerprint
from infra_assets.stacks.command import FleetCommand
from infra_assets.stacks.configurations import Configurations, fingerprint_key
from infra_assets.stacks.encryption import PassphraseCrypter, new_salt_line
from infra_assets.stacks.gate import check_state, check_upstream
from infra_assets.stacks.inputs import Inputs, Surroundings, details, effective_inputs
from infra_assets.stacks.ledger import DEPLOYED, FAILED, REMOVED, Entry, Key, Ledger
from infra_assets.stacks.masking import SHORTEST, Masker
from infra_assets.stacks.outcome import Diagnostic, Outcome
from infra_assets.stacks.outputs import StateOutputs
from infra_assets.stacks.program import inline_program
from infra_assets.stacks.projects import discover
from infra_assets.stacks.rooms import rooms
from infra_assets.stacks.scratch import Outputs, open_scratch
from infra_assets.stacks.state import Checkpoint, Lock, Store, open_store, read_checkpoint, read_locks
from infra_assets.stacks.unlock import release_dead, unlock
from infra_assets.stacks.workspace import StackWorkspace, open_workspace

ONE_PROGRAM = threading.Lock()
"""A process has one set of modules: programs of two commits at once would get each other's."""


@dataclass(frozen=True)
class Deployment:
    """What became of a cell: the outcome, or None where its effective inputs are those of its last success."""

    inputs: Inputs
    reasons: list[str]
    """Why it was deployed: which inputs differ."""
    outcome: Outcome | None
    environments: Mapping[str, str]
    """The environments that its configuration rests on, and their revisions."""


class Operator:
    """Works on the stacks of one process: one TEP's, one after the other."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.ledger = Ledger(connect(settings.database_url))

    @cached_property
    def configurations(self) -> Configurations:
        """What the cells are configured by."""
        return Configurations(self._settings, self.stack_outputs, wanted)

    @cached_property
    def stack_outputs(self) -> StateOutputs:
        """The outputs of our own stacks."""
        return StateOutputs(lambda: self._store, lambda: read_passphrase(self._settings))

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

    def surroundings(self) -> Surroundings:
        """Return what all cells' inputs share."""
        return Surroundings(self._tools.engine_version, self._tools.provider_version, fingerprint_key(self._settings))

    def inputs(self, cell: Cell, rollout_id: str = "") -> Inputs:
        """Return a cell's effective inputs as they are now.

        Raises:
            InfraError: its configuration cannot be resolved.
        """
        return self._inputs(cell, rollout_id)[0]

    def _inputs(self, cell: Cell, rollout_id: str) -> tuple[Inputs, Mapping[str, Any]]:
        configuration, successes = self.configurations.cell(cell, rollout_id), self.ledger.successes([cell.tep.name])
        around = self.surroundings()
        return effective_inputs(cell, configuration, successes, around), details(cell, configuration, successes, around.key)

    def deploy(self, cell: Cell, *, run_id: str = "", rollout_id: str = "", force: bool = False, refresh: bool = False) -> Deployment:
        """Bring a cell to its present inputs, if they are not those of its last success (or `force`).

        With `refresh` also the cloud: what somebody has changed there is looked at first, and changed back.

        Raises:
            InfraError: the gate refuses; recorded in the ledger as a failure, nothing was changed.
        """
        inputs, rested_on = self._recorded_inputs(cell, run_id, rollout_id)
        last = self._last_success(cell)
        reasons = inputs.differences(last.inputs) if last else [self._why_not_deployed(cell.key)]
        closure = self.configurations.closure(cell)
        if not reasons and not force:
            self.ledger.restore(cell.key, run_id=run_id, rollout_id=rollout_id)
            return Deployment(inputs, [], None, closure)
        number = self.ledger.begin(
            cell.key, "up", inputs.as_mapping(), run_id=run_id, rollout_id=rollout_id, environments=closure,
            commit=cell.project.commit, details=rested_on,
        )  # fmt: skip
        with self._recorded(number):
            check_upstream(cell, self.ledger.successes([cell.tep.name]), self.ledger.latest([cell.tep.name]))
            with self._changing(cell, rollout_id=rollout_id) as workspace:
                outcome = self._operate(cell, workspace, engine.UP_REFRESH if refresh else engine.UP)
                outputs_hash = self._outputs_hash(cell, outcome)
            self.ledger.finish(
                number,
                DEPLOYED if outcome.ok else FAILED,
                changes=outcome.counts,
                resources=self._resources(cell),
                outputs=self._shown(cell, outcome.outputs),
                outputs_hash=outputs_hash,
                message=self._message(workspace, outcome),
            )
        return Deployment(inputs, reasons or ["forced"], outcome, closure)

    def preview(
        self, cell: Cell, *, refresh: bool = False, rollout_id: str = "", role: str = "", foreseen: Mapping[str, Outputs] | None = None,
        strict: bool = False,
    ) -> Outcome:  # fmt: skip
        """Say what `deploy` would do; with `refresh` against the cloud as it is. Changes nothing, not even the state backend.

        `role` is the login to look with. `foreseen` are outputs that projects upstream would have by then. `strict` takes no state that
        something is being done to.

        Raises:
            InfraError: the state is damaged, or does not fit what is known of it; the account cannot be entered.
        """
        name, tep = cell.project.name, cell.tep.name
        checkpoint = read_checkpoint(self._store, name, tep)
        locks = read_locks(self._store, name, tep) if strict else []
        check_state(cell, checkpoint, locks, self.ledger.recorded_resources(cell.key))
        with open_scratch(rooms(self._settings.home)) as scratch:
            if not scratch.copy(self._store, name, tep):
                scratch.empty(name, tep)
            for upstream in cell.project.about.depends_on:
                read_checkpoint(self._store, upstream, tep)  # of a damaged one the engine would not say whose it is
                scratch.copy(self._store, upstream, tep, (foreseen or {}).get(upstream))
            with self._workspace(cell, checkpoint, backend=scratch.url, rollout_id=rollout_id, role=role) as workspace:
                return self._operate(cell, workspace, engine.PREVIEW_REFRESH if refresh else engine.PREVIEW)

    def recorded_outputs(self, cell: Cell) -> Mapping[str, Any] | None:
        """Return a stack's outputs, secrets as `[secret]`; None where it was never deployed."""
        try:
            return self.stack_outputs.outputs(cell.project.name, cell.tep.name).plain()
        except ProviderError:
            return None

    def destroy(self, cell: Cell, *, run_id: str = "") -> Outcome:
        """Delete what a cell's stack holds, and record it.

        Raises:
            InfraError: the gate refuses.
        """
        number = self.ledger.begin(cell.key, "destroy", {}, run_id=run_id)
        with self._recorded(number):
            with self._changing(cell) as workspace:
                outcome = self._operate(cell, workspace, engine.DESTROY)
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
        """Return a stack's outputs, secrets as `[secret]`.

        Raises:
            InfraError: there is no such stack.
        """
        try:
            return self.stack_outputs.outputs(cell.project.name, cell.tep.name).plain()
        except ProviderError as error:
            raise InfraError(str(error)) from None

    def _why_not_deployed(self, key: Key) -> str:
        return "the last one failed" if key in self.ledger.latest([key[0]]) else "never deployed"

    def _resources(self, cell: Cell) -> int:
        checkpoint = read_checkpoint(self._store, cell.project.name, cell.tep.name)
        return checkpoint.resources if checkpoint else 0

    def _last_success(self, cell: Cell) -> Entry | None:
        return self.ledger.successes([cell.tep.name]).get(cell.key)

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

    def _recorded_inputs(self, cell: Cell, run_id: str, rollout_id: str) -> tuple[Inputs, Mapping[str, Any]]:
        """Return a cell's inputs and their details; that they cannot be told is a failure of the cell, and recorded as one."""
        try:
            return self._inputs(cell, rollout_id)
        except InfraError as error:
            self.ledger.refuse(cell.key, str(error), run_id=run_id, rollout_id=rollout_id)
            raise

    def _operate(self, cell: Cell, workspace: StackWorkspace, arguments: tuple[str, ...]) -> Outcome:
        """Run the engine; what it and the program say is freed of every secret that the cell was given."""
        masker = Masker([*workspace.secrets, read_passphrase(self._settings)])
        with ONE_PROGRAM, masker.streams():
            outcome = engine.operate(workspace, arguments, inline_program(cell.project))
        said = [Diagnostic("warning", warning) for warning in self._warnings(cell, masker)]
        return outcome.masked(masker, said)

    def _warnings(self, cell: Cell, masker: Masker) -> list[str]:
        short = masker.unmaskable
        told = [f"{short} secrets are shorter than {SHORTEST} characters: too short to be masked in logs"] if short else []
        return [*self.configurations.warnings(cell), *told]

    @contextmanager
    def _changing(self, cell: Cell, *, rollout_id: str = "") -> Generator[StackWorkspace]:
        """Yield a workspace on the real state, which is there, fits what is known of it, and is nobody else's."""
        checkpoint = read_checkpoint(self._store, cell.project.name, cell.tep.name)
        locks = release_dead(self._store, cell.project.name, cell.tep.name)
        check_state(cell, checkpoint, locks, self.ledger.recorded_resources(cell.key))
        with self._workspace(cell, checkpoint, backend=self._settings.state_backend, rollout_id=rollout_id) as workspace:
            if checkpoint is None:
                _create(workspace)
            yield workspace

    @contextmanager
    def _workspace(
        self, cell: Cell, checkpoint: Checkpoint | None, *, backend: str, rollout_id: str = "", role: str = ""
    ) -> Generator[StackWorkspace]:
        settings = self._settings
        configuration = self.configurations.cell(cell, rollout_id)
        credentials = self.configurations.credentials(cell, rollout_id, role=role)
        encryption = self._encryption(checkpoint, configuration)
        limit_s = settings.check_timeout_s if backend != settings.state_backend else settings.operation_timeout_s
        command = FleetCommand(self._tools.pulumi, self._tools.engine_version, limit_s=limit_s, grace_s=settings.grace_s)
        with (
            asked(configuration) as given,
            open_workspace(
                rooms(settings.home),
                project=cell.project.name,
                stack=cell.tep.name,
                backend=backend,
                configuration=cell.settings(configuration, self._encrypt(encryption)),
                encryption=encryption,
                secrets=[*configuration.secrets(), *credentials.secrets()],
                command=command,
                tools=self._tools,
                variables={**self._variables, **given},
                credentials=credentials.as_environment(),
            ) as workspace,
        ):
            yield workspace

    def _encryption(self, checkpoint: Checkpoint | None, configuration: CellConfiguration) -> Mapping[str, Any]:
        """Return what the stack's settings say of its secrets' encryption; of a new stack nothing, unless it has secrets from the start."""
        if checkpoint and checkpoint.secrets_provider:
            return checkpoint.secrets_provider
        return {"encryptionsalt": new_salt_line(read_passphrase(self._settings))} if configuration.mask else {}

    def _encrypt(self, encryption: Mapping[str, Any]) -> Callable[[str], str]:
        """Return what encrypts a secret for a stack's settings; made when the first one asks, because it costs."""

        def encrypt(plaintext: str) -> str:
            if "encryptionsalt" not in encryption:
                raise InfraError("the stack's secrets are not encrypted with a passphrase: its configuration may hold none")
            return PassphraseCrypter(read_passphrase(self._settings), encryption["encryptionsalt"]).encrypt(plaintext)

        return encrypt

    def _outputs_hash(self, cell: Cell, outcome: Outcome) -> str | None:
        if not outcome.ok:
            return None
        if not outcome.has_secret_outputs:
            return fingerprint(outcome.outputs)
        # Masked values would all look alike: what is downstream must notice that a secret changed.
        outputs = self.stack_outputs.outputs(cell.project.name, cell.tep.name)
        return CellConfiguration({"outputs": outputs}).fingerprint(fingerprint_key(self._settings))

    @staticmethod
    def _shown(cell: Cell, outputs: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value if name in cell.project.about.public_outputs else None for name, value in outputs.items()}

    @staticmethod
    def _message(workspace: StackWorkspace, outcome: Outcome) -> str:
        if workspace.command.dirty:
            return f"{outcome.message}; the engine did not stop in time and was killed: its last step may be recorded nowhere"
        return outcome.message


def wanted(cell: Cell) -> Sequence[Wanted]:
    """Return what the projects want from their TEP's environment, as they are where the cell's program is from."""
    return discover(cell.project.folder.parent.parent, cell.project.commit).wanted()


def _create(workspace: StackWorkspace) -> None:
    try:
        workspace.command.run(["stack", "init", workspace.stack, "--no-select"], str(workspace.folder / "work"), workspace.variables)
    except StackAlreadyExistsError:
        return  # somebody else was quicker
    except CommandError as error:
        raise InfraError(
            f"stack {workspace.stack} cannot be created: {engine.explain(error)}", remedy="infra doctor checks the state backend."
        ) from None
