"""Copy HashiCorp's upstream AWS provider, less what the mapped types do not need: 260 services that would compile for an hour."""

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from infra_assets.errors import InfraError
from infra_assets.sandbox.tools.mapping import GOBUILD, MappedType

ALWAYS = frozenset({"meta", "sts"})  # default tags, and the caller's identity
SERVICE_LIST = Path("internal/provider/sdkv2/service_packages_gen.go")
CLIENTS = Path("internal/conns/awsclient_gen.go")
MODULE = "github.com/hashicorp/terraform-provider-aws"

_SERVICE_IMPORT = re.compile(rf'^\s+(?:\w+ )?"{re.escape(MODULE)}/internal/service/(\w+)[\w/]*"', re.MULTILINE)
_REGISTRATION = re.compile(r"^\s+(\w+)\.ServicePackage\(ctx\),")
_SECTION = re.compile(r"^func \(p \*servicePackage\) (SDK|Framework)(Resources|DataSources)\(.*?^}", re.MULTILINE | re.DOTALL)
_TYPE_NAME = re.compile(r'TypeName:\s+"(aws_\w+)"')
_CLIENT_CALL = re.compile(r"\.(\w+Client)\(")
_CLIENT_GETTER = re.compile(r"func \(c \*AWSClient\) (\w+Client)\(.*?\bnames\.(\w+).*?\n}\n", re.DOTALL)
_SERVICE_NAME = re.compile(r"ServicePackageName\(\) string \{\s*return names\.(\w+)")
_IMPORT = re.compile(r'\s+(?:(\w+) )?"([^"]+)"')
_WAIT = re.compile(r"(\b(?:With)?(Delay|MinTimeout|PollInterval)(?::\s+|\())\d+ ?\* ?time\.(?:Second|Minute)")


def copy_trimmed(upstream: Path, target: Path, types: Iterable[MappedType]) -> frozenset[str]:
    """Copy to `target` what of `upstream` the types need, and return the services that are registered there.

    Raises:
        InfraError: upstream has no such type.
    """
    wanted = with_clients(upstream, services_of(upstream, types) | ALWAYS)
    needed = with_imports(upstream, wanted)
    shutil.copytree(upstream, target, ignore=_left_out(upstream, needed), copy_function=shutil.copyfile)
    shutil.copytree(GOBUILD / "shim", target / "shim")
    _edit(target / SERVICE_LIST, lambda text: _keep_services(text, wanted))
    _edit(target / CLIENTS, lambda text: _keep_clients(text, _clients_called(_sources(target))))
    for path in _sources(target / "internal/service"):
        _edit(path, _shorten_waits)
    return frozenset(wanted)


def services_of(upstream: Path, types: Iterable[MappedType]) -> set[str]:
    """Return the upstream services that register `types`.

    Raises:
        InfraError: no service registers one of them.
    """
    home: dict[tuple[str, bool], str] = {}
    for path in sorted((upstream / "internal/service").glob("*/service_package_gen.go")):
        for section in _SECTION.finditer(path.read_text()):
            home.update({(name, section[2] == "DataSources"): path.parent.name for name in _TYPE_NAME.findall(section[0])})
    types = list(types)
    unknown = sorted(mapped.upstream for mapped in types if (mapped.upstream, mapped.function) not in home)
    if unknown:
        raise InfraError(f"types.txt: upstream has no {', '.join(unknown)}", remedy="Correct the names in types.txt.")
    return {home[mapped.upstream, mapped.function] for mapped in types}


def with_clients(upstream: Path, services: Iterable[str]) -> set[str]:
    """Return `services` and those whose AWS clients they use: upstream makes a client only for a service that is registered."""
    owners = {
        name[1]: path.parent.name
        for path in (upstream / "internal/service").glob("*/service_package_gen.go")
        if (name := _SERVICE_NAME.search(path.read_text()))
    }
    getters = {getter[1]: owners[getter[2]] for getter in _CLIENT_GETTER.finditer((upstream / CLIENTS).read_text())}
    wanted = set(services)
    while True:
        folders = [upstream / "internal/service" / service for service in with_imports(upstream, wanted)]
        called = _clients_called(path for folder in folders for path in _sources(folder) if path.name != "sweep.go")
        more = {getters[name] for name in called if name in getters} - wanted
        if not more:
            return wanted
        wanted |= more


def with_imports(upstream: Path, services: Iterable[str]) -> set[str]:
    """Return `services` and all that they import of each other."""
    needed: set[str] = set()
    waiting = set(services)
    while waiting:
        service = waiting.pop()
        needed.add(service)
        for path in _sources(upstream / "internal/service" / service):
            waiting |= set(_SERVICE_IMPORT.findall(path.read_text())) - needed
    return needed


def _left_out(upstream: Path, services: set[str]) -> Callable[[str, list[str]], set[str]]:
    def ignore(folder: str, names: list[str]) -> set[str]:
        match Path(folder).relative_to(upstream).parts:
            case ():
                return {name for name in names if name not in ("internal", "names", "version", "go.mod")}
            case ("internal",):
                return {"acctest", "generate"} & set(names)
            case ("internal", "service"):
                return {name for name in names if Path(folder, name).is_dir()} - services
            case _:
                return {name for name in names if name == "testdata" or name.endswith("_test.go")}

    return ignore


def _sources(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.go") if not path.name.endswith("_test.go"))


def _edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text()
    after = change(before)
    if after != before:
        path.write_text(after)


def _keep_services(text: str, services: set[str]) -> str:
    kept: list[str] = []
    for line in text.splitlines():
        named = _SERVICE_IMPORT.match(line) or _REGISTRATION.match(line)
        if not named or named[1] in services:
            kept.append(line)
    return "\n".join(kept) + "\n"


def _clients_called(sources: Iterable[Path]) -> set[str]:
    return {name for path in sources if path.name != CLIENTS.name for name in _CLIENT_CALL.findall(path.read_text())}


def _keep_clients(text: str, used: set[str]) -> str:
    """Drop the getters of AWS clients that nothing calls, and their imports: each import is a client that would be compiled."""
    head, _, body = text.partition(")\n")
    getters = "\n".join(getter[0] for getter in _CLIENT_GETTER.finditer(body) if getter[1] in used)
    imports: list[str] = []
    for line in head.splitlines():
        found = _IMPORT.match(line)
        name = found and (found[1] or found[2].rsplit("/", 1)[-1])
        if not name or re.search(rf"\b{name}\.", getters):
            imports.append(line)
    return "\n".join(imports) + ")\n\n" + getters


def _shorten_waits(text: str) -> str:
    # The emulator answers at once, so a cluster takes a tenth of a second, and ten without this.
    return _WAIT.sub(lambda wait: wait[1] + ("0 * time.Second" if wait[2] == "Delay" else "200 * time.Millisecond"), text)
