"""Evaluates an environment of a folder with no fleet around it."""

from pathlib import Path

from infra_assets.environments.language import Evaluation, Evaluator
from infra_assets.environments.language.model import Decrypter, Document, ExecutionContext, LoadError
from infra_assets.environments.library import Library
from infra_assets.environments.names import DEFAULT_PROJECT
from infra_assets.environments.opening import decrypter
from infra_assets.environments.providers import BuiltinProviders
from infra_assets.environments.sources.folder import FolderSource
from infra_assets.errors import UsageError
from infra_assets.sandbox.cloud import Aws, environment
from infra_assets.settings import Settings


class Flat:
    """A folder's environments; a name without project is also looked for as `DIR/NAME.yaml`, as the official command does."""

    def __init__(self, folder: Path, decrypter: Decrypter) -> None:
        self._folder = folder
        self._decrypter = decrypter
        self._library = Library(FolderSource(folder), decrypter=decrypter)

    def load(self, name: str) -> Document:
        """Return a document.

        Raises:
            LoadError: there is none.
        """
        path = self._folder / f"{name}.yaml"
        if "/" not in name and not (self._folder / DEFAULT_PROJECT / f"{name}.yaml").exists() and path.is_file():
            return Document(name, "", path.read_bytes(), self._decrypter, str(path))
        return self._library.load(name)


def evaluate_folder(settings: Settings, folder: Path, name: str) -> Evaluation:
    """Evaluate one of a folder's environments; what it opens is opened.

    Raises:
        UsageError: there is none of that name.
    """
    environments = Flat(folder, decrypter(settings))
    try:
        document = environments.load(name)
    except LoadError as error:
        raise UsageError(str(error)) from None
    # Whoever wrote the folder is not known: nothing is opened with the operations account's credentials.
    nobodys = BuiltinProviders(lambda: Aws(environment(settings)), may_assume=_nobody, may_read=_nobody)
    return Evaluator(environments, nobodys).evaluate(document)


def _nobody(_context: ExecutionContext, _what: str) -> bool:
    return False
