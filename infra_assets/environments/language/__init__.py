"""The Pulumi ESC language: read a document, evaluate an environment, edit secrets in a document's text."""

from infra_assets.environments.language.analysis import Reference, Secret, references, secrets, symbols
from infra_assets.environments.language.declaration import Declaration, Import, Parsed, parse
from infra_assets.environments.language.editing import apply_patches, reveal_secrets, seal_secrets
from infra_assets.environments.language.envelope import EnvelopeError, open_envelope, seal_envelope
from infra_assets.environments.language.evaluation import Evaluation, Patch, plain
from infra_assets.environments.language.evaluator import Evaluator, always
from infra_assets.environments.language.model import (
    Decrypter,
    DecryptionError,
    Diagnostic,
    Document,
    Environments,
    ExecutionContext,
    LoadError,
    Number,
    Opens,
    Plain,
    Position,
    Provider,
    ProviderError,
    Providers,
    Range,
    Rotator,
    Site,
    Value,
    value_of,
)

__all__ = [
    "Declaration", "Decrypter", "DecryptionError", "Diagnostic", "Document", "EnvelopeError", "Environments", "Evaluation", "Evaluator",
    "ExecutionContext", "Import", "LoadError", "Number", "Opens", "Parsed", "Patch", "Plain", "Position", "Provider", "ProviderError",
    "Providers", "Range", "Reference", "Rotator", "Secret", "Site", "Value", "always", "apply_patches", "open_envelope", "parse", "plain",
    "references", "reveal_secrets", "seal_envelope", "seal_secrets", "secrets", "symbols", "value_of",
]  # fmt: skip
