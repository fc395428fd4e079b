"""A look at AWS: what a health check is given, and what it finds. An error of AWS is a finding too."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra_assets.environments.language.model import ProviderError
from infra_assets.environments.providers import Clients, Credentials
from infra_assets.environments.providers.refusals import reason
from infra_assets.errors import InfraError
from infra_assets.stacks.cell import Cell


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `ok` where it is as it should be; `detail` says what there is."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Health:
    """What a check came to."""

    findings: Sequence[Finding]
    """Of the last look."""
    took_s: float

    @property
    def healthy(self) -> bool:
        """Whether everything is as it should be."""
        return bool(self.findings) and all(finding.ok for finding in self.findings)

    @property
    def summary(self) -> str:
        """One line: what is wrong, or that nothing is."""
        return "; ".join(f"{finding.name}: {finding.detail}" for finding in self.findings if not finding.ok) or "healthy"


@dataclass(frozen=True)
class Look:
    """One look at a cell: where, at what, and as whom."""

    cell: Cell
    outputs: Mapping[str, Any]
    """The stack's public outputs by name."""
    credentials: Credentials
    clients: Clients
    _made: dict[str, Any] = field(default_factory=dict[str, Any], repr=False)

    def client(self, service: str) -> Any:
        """Return a boto3 client of the TEP's account and region, the same one each time.

        Raises:
            ProviderError: AWS cannot be reached from here.
        """
        if service not in self._made:
            self._made[service] = self.clients.client(service, self.cell.tep.region, self.credentials)
        return self._made[service]

    def output(self, name: str) -> Any:
        """Return an output of the stack.

        Raises:
            InfraError: it has none of that name whose value may be shown.
        """
        value = self.outputs.get(name)
        if value is None:
            raise InfraError(f"the stack has no public output {name}")
        return value

    def findings(self, questions: "Mapping[str, Question]") -> list[Finding]:
        """Return what became of each question, by its name."""
        return [self._ask(name, question) for name, question in questions.items()]

    def _ask(self, name: str, question: "Question") -> Finding:
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            ok, detail = question(self)
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            return Finding(name, ok=False, detail=reason(error, self.credentials.secrets()))
        except (InfraError, ProviderError) as error:
            return Finding(name, ok=False, detail=str(error))
        return Finding(name, ok, detail)


Answer = tuple[bool, str]
"""Whether it is as it should be, and what there is."""
Question = Callable[[Look], Answer]
"""May raise what botocore raises: it becomes a finding."""
HealthCheck = Callable[[Look], list[Finding]]
"""Looks once. One per project that has something to be looked at."""
