"""The Pulumi ESC language: read a document, evaluate an environment, edit secrets in a document's text.

Everything is as in the official evaluator, module github.com/pulumi/esc, but for what is stricter here:

- The elements of `fn::split` of a secret are secret; upstream forgets it of them.
- Diagnostics show nothing of a secret: of a secret object no key is suggested, of a secret JSON text and of a secret schema for
  `fn::validate` nothing is quoted.
- What is nested deeper than 64 levels, merged of more than 100 environments, larger than 8 MB, or reached over more than about 150
  references is an error; so is a value that a provider is given and that is no object, where upstream panics.
- A secret that is written back with `$` in it comes back as it was; upstream takes `${` in it for a reference.
- Where upstream's answer differs from run to run (several equally near suggestions, several violations of one schema), ours is the first
  by name.

As upstream, `${environments}` alone, and what no schema fits, are unknown without a diagnostic: hosts refuse what is unknown.
"""

from infra_assets.environments.language.analysis import Reference, Secret, count, references, secrets, symbols
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
    "Providers", "Range", "Reference", "Rotator", "Secret", "Site", "Value", "always", "apply_patches", "count", "open_envelope", "parse",
    "plain", "references", "reveal_secrets", "seal_envelope", "seal_secrets", "secrets", "symbols", "value_of",
]  # fmt: skip
