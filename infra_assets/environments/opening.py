"""Opens what the settings name: sources, keys, providers, rules, and the resolver over all of it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from infra_assets.environments import layers
from infra_assets.environments.access import AccessRules
from infra_assets.environments.kept import WithKept
from infra_assets.environments.language.model import Decrypter, DecryptionError, ExecutionContext, ProviderError, Providers
from infra_assets.environments.library import Library
from infra_assets.environments.providers import BuiltinProviders, Clients, StackOutputs
from infra_assets.environments.resolver import Resolver
from infra_assets.environments.sealing import Sealer, sealer
from infra_assets.environments.sources.folder import FolderSource
from infra_assets.environments.sources.overlay import Overlay
from infra_assets.environments.sources.protocol import Source, SourceError
from infra_assets.environments.sources.register import FleetSource, WithFacts
from infra_assets.errors import InfraError, UsageError
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Tep
from infra_assets.sandbox.cloud import Aws, environment
from infra_assets.settings import Settings

if TYPE_CHECKING:
    from infra_assets.environments.sources.cloud_api import CloudApi
    from infra_assets.environments.sources.git import GitSource

STORE = "store"
GIT = "git:"
CLOUD = "pulumi:"
ACCESS = "access.yaml"
DEMO_KEY = Path("environments") / "demo.key"
Teps = Callable[[], Sequence[Tep]]


class LazySealer:
    """The sealer of the settings, made when the first secret asks for it: most commands meet none."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def sealer(self) -> Sealer:
        """The sealer.

        Raises:
            InfraError: a key cannot be read.
        """
        return sealer(with_demo_key(self._settings), lambda: Aws(environment(self._settings)))

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Return the plaintext.

        Raises:
            DecryptionError: it can't.
        """
        try:
            return self.sealer.decrypt(ciphertext)
        except InfraError as error:
            raise DecryptionError(error.message) from None


def with_demo_key(settings: Settings) -> Settings:
    """Return the settings with the sample's key, where no other is set and there is one."""
    demo = settings.root / DEMO_KEY
    if settings.seal_key or settings.seal_key_file or settings.seal_kms_key or not demo.is_file():
        return settings
    return settings.model_copy(update={"seal_key_file": demo})


class _Known:
    """TEPs by name."""

    def __init__(self, teps: Teps) -> None:
        self._teps = teps
        self._listed: Sequence[Tep] | None = None
        self._by_name: dict[str, Tep] = {}

    def get(self, name: str) -> Tep | None:
        """Return a TEP."""
        listed = self._teps()
        if listed is not self._listed:
            self._listed, self._by_name = listed, {tep.name: tep for tep in listed}
        return self._by_name.get(name)


class _TokenFile:
    """The OIDC token that this host's issuer keeps in a file; it has decided audience and subject."""

    fixed = True

    def __init__(self, path: Path) -> None:
        self._path = path

    def token(self, audience: str, subject: str) -> str:  # noqa: ARG002  # the file's writer has decided both
        """Return the token as it is now.

        Raises:
            ProviderError: the file cannot be read.
        """
        try:
            return self._path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ProviderError(f"INFRA_OIDC_TOKEN_FILE: {error}") from None


def open_source(settings: Settings, *, instead: Mapping[str, Source] | None = None) -> Overlay:
    """Return the sources of `INFRA_ENVIRONMENTS`, the first over the others; `instead` takes the place of one by its word there.

    Raises:
        UsageError: the setting names something that is no source.
    """
    return Overlay(*sources(settings, instead=instead).values())


def sources(settings: Settings, *, instead: Mapping[str, Source] | None = None) -> dict[str, Source]:
    """Return the sources by their words in `INFRA_ENVIRONMENTS`, in its order; `instead` takes the place of one.

    Raises:
        UsageError: the setting names something that is no source, or nothing.
    """
    words = _words(settings)
    if not words:
        raise UsageError("INFRA_ENVIRONMENTS names no source", remedy="The default is store,environments.")
    return {word: (instead or {}).get(word) or _source(settings, word) for word in words}


def commits(settings: Settings) -> dict[str, tuple[Path, str, str]]:
    """Return repository, ref and folder of the commits among the sources, by their words in `INFRA_ENVIRONMENTS`.

    Raises:
        UsageError: one names no ref.
    """
    return {word: _commit(settings, word.removeprefix(GIT)) for word in _words(settings) if word.startswith(GIT)}


def clouds(settings: Settings) -> dict[str, "CloudApi"]:
    """Return the organizations of Pulumi Cloud among the sources, by their words in `INFRA_ENVIRONMENTS`.

    Raises:
        UsageError: there is no token for them.
        SourceError: the URL of one would send the token in clear, or its name is none.
    """
    from infra_assets.environments.sources.cloud import URL
    from infra_assets.environments.sources.cloud_api import CloudApi

    found = {word: _organization(settings, word.removeprefix(CLOUD)) for word in _words(settings) if word.startswith(CLOUD)}
    return {word: CloudApi(organization, token, url or URL) for word, (organization, token, url) in found.items()}


def folders(settings: Settings) -> dict[str, Path]:
    """Return the folders among the sources, by their words in `INFRA_ENVIRONMENTS`."""
    words = _words(settings)
    return {word: (settings.root / word).resolve() for word in words if word != STORE and not word.startswith((GIT, CLOUD))}


def open_resolver(
    settings: Settings,
    teps: Teps,
    *,
    stacks: StackOutputs | None = None,
    pins: Mapping[str, str] | None = None,
    source: Source | None = None,
    opener: Decrypter | None = None,
) -> Resolver:
    """Return the resolver for a fleet; `pins` are revisions to use instead of the current ones, `source` takes the settings' place.

    `opener` opens sealed secrets in the place of the settings' keys.

    Raises:
        UsageError: the settings, or the rules of access, are wrong.
    """
    found = source or open_source(settings)
    if pins:
        found = WithKept(connect(settings.database_url), found)
    library = Library(with_facts(settings, teps, found), decrypter=opener or decrypter(settings), pins=pins)
    return Resolver(library, providers(settings, teps, stacks), rules(settings, teps))


def with_facts(settings: Settings, teps: Teps, source: Source) -> Source:
    """Return a source, with what is written from the register over it."""
    return WithFacts(FleetSource(teps, operations_account=settings.operations_account), source)


def decrypter(settings: Settings) -> Decrypter:
    """Return what opens sealed secrets."""
    return LazySealer(settings)


def providers(settings: Settings, teps: Teps, stacks: StackOutputs | None = None, clients: Clients | None = None) -> Providers:
    """Return the providers, reaching AWS as the settings say; a TEP's environment may enter its own account and read its own stacks,
    one of operations' own (`global`) all of them.
    """
    tokens = _TokenFile(settings.oidc_token_file) if settings.oidc_token_file else None

    known = _Known(teps)

    def may_assume(context: ExecutionContext, arn: str) -> bool:
        project, _, name = context.root_environment.partition("/")
        tep = known.get(name) if project == layers.TENANTS else None
        return project == layers.GLOBAL or (tep is not None and tep.account_id == arn.split(":")[4])

    def may_read(context: ExecutionContext, stack: str) -> bool:
        project, _, name = context.root_environment.partition("/")
        return project == layers.GLOBAL or (project == layers.TENANTS and name == stack)

    return BuiltinProviders(clients or (lambda: Aws(environment(settings))), stacks, tokens, may_assume=may_assume, may_read=may_read)


def rules(settings: Settings, teps: Teps) -> AccessRules:
    """Return the rules of access. Whose a TEP's environment is, the fleet says.

    Raises:
        UsageError: they cannot be read.
    """
    known = _Known(teps)

    def tenants(environment: str) -> Collection[str]:
        tep = known.get(environment)
        return (tep.tenant,) if tep else ()

    found = rules_file(settings)
    return AccessRules.parse(*found, tenants=tenants) if found else AccessRules(tenants=tenants)


def rules_file(settings: Settings) -> tuple[Path, str] | None:
    """Return the rules of access that are written down: of the setting, else of the first folder or commit that has some; with their place.

    Raises:
        UsageError: the file of the setting cannot be read.
    """
    if settings.environments_access:
        return settings.environments_access, _text(settings.environments_access)
    for word in _words(settings):
        if word.startswith(GIT):
            content = _git(settings, word.removeprefix(GIT)).beside(ACCESS)
            if content is not None:
                return Path(word) / ACCESS, content.decode()
        elif word in folders(settings) and (folders(settings)[word] / ACCESS).is_file():
            path = folders(settings)[word] / ACCESS
            return path, _text(path)
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None


def _words(settings: Settings) -> list[str]:
    return [word.strip() for word in settings.environments.split(",") if word.strip()]


def _source(settings: Settings, word: str) -> Source:
    if word == STORE:
        from infra_assets.environments.sources.store import StoreSource

        return StoreSource(connect(settings.database_url))
    if word.startswith(GIT):
        return _git(settings, word.removeprefix(GIT))
    if word.startswith(CLOUD):
        return _cloud(settings, word.removeprefix(CLOUD))
    folder = settings.root / word
    if not folder.is_dir():
        raise UsageError(
            f"INFRA_ENVIRONMENTS: {folder} is no folder", remedy="It takes store, folders, git:REPOSITORY#REF, pulumi:ORGANIZATION."
        )
    return FolderSource(folder, base=settings.root)


def _commit(settings: Settings, spec: str) -> tuple[Path, str, str]:
    repository, _, rest = spec.partition("#")
    ref, _, folder = rest.partition(":")
    if not repository or not ref:
        raise UsageError(f"INFRA_ENVIRONMENTS: {GIT}{spec}: a ref is missing", remedy="Its form is git:REPOSITORY#REF[:FOLDER].")
    return settings.root / repository, ref, folder or "environments"


def _git(settings: Settings, spec: str) -> "GitSource":
    from infra_assets.environments.sources.git import GitSource

    try:
        return GitSource(*_commit(settings, spec))
    except SourceError as error:
        raise UsageError(f"INFRA_ENVIRONMENTS: {GIT}{spec}: {error}", remedy="Its form is git:REPOSITORY#REF[:FOLDER].") from None


def _cloud(settings: Settings, spec: str) -> Source:
    from infra_assets.environments.sources.cloud import CloudSource

    organization, token, url = _organization(settings, spec)
    return CloudSource(organization, token, url) if url else CloudSource(organization, token)


def _organization(settings: Settings, spec: str) -> tuple[str, str, str]:
    """Return an organization's name, the token for it, and the URL where it is given."""
    organization, _, url = spec.partition("@")
    if settings.pulumi_access_token is None:
        raise UsageError("environments of Pulumi Cloud need a token", remedy="Set INFRA_PULUMI_ACCESS_TOKEN.")
    return organization, settings.pulumi_access_token.get_secret_value(), url
