"""`infra env` commands that write: seal and reveal a file's secrets, rotate, and the database's own environments."""

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from infra_assets.cli.context import Context
from infra_assets.cli.options import Form, Output
from infra_assets.cli.output import Format, markdown_table, plain_table, stderr, write, write_table
from infra_assets.environments.language import parse, reveal_secrets, seal_secrets
from infra_assets.environments.language.model import DecryptionError
from infra_assets.environments.layers import FLEET
from infra_assets.environments.library import Library
from infra_assets.environments.names import canonical_name
from infra_assets.environments.opening import LazySealer, open_source, with_facts
from infra_assets.environments.rotation import rotate as rotate_environment
from infra_assets.environments.sealing import new_key
from infra_assets.environments.sources.protocol import NEW
from infra_assets.environments.sources.store import StoreSource
from infra_assets.errors import FAILED, InfraError, UsageError
from infra_assets.fleet.database import connect

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="A definition; - is standard input.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="An environment: tenants/acme-prod.")]
Write = Annotated[bool, typer.Option("--write", help="Change the file instead of printing the result.")]


def seal(file: FileArgument, write_back: Write = False) -> None:
    """Seal every plaintext fn::secret of a definition; all else stays as it is, comments too.

    Examples: infra env seal --write environments/global/operations.yaml · infra env seal - < draft.yaml
    """
    source = _read(file)
    _check(file, source)
    sealer = LazySealer(Context().settings).sealer
    _give(file, seal_secrets(source, sealer.encrypt), write_back=write_back)


def reveal(file: FileArgument, write_back: Write = False) -> None:
    """Show a definition with its sealed secrets in clear; --write makes the file editable, seal it again afterwards.

    Example: infra env reveal environments/global/operations.yaml
    """
    source = _read(file)
    _check(file, source)
    try:
        revealed = reveal_secrets(source, LazySealer(Context().settings))
    except DecryptionError as error:
        raise InfraError(f"{file}: {error}") from None
    _give(file, revealed, write_back=write_back)


def key() -> None:
    """Print a new key to seal secrets with: a line for INFRA_SEAL_KEY_FILE. The first line of that file seals, all of them open.

    Example: infra env key >> ~/.infra-seal.key
    """
    write(new_key(), None)


def rotate(
    name: NameArgument,
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH]...", help="Which fn::rotate, by path. Default: all.")] = None,
) -> None:
    """Rotate the secrets of an environment's fn::rotate, and write the new state back to where the environment lives, sealed.

    Examples: infra env rotate global/operations · infra env rotate tenants/acme-prod database.password
    """
    context = Context()
    done = rotate_environment(
        context.settings,
        context.registry.list,
        canonical_name(name).canonical,
        paths or (),
        stacks=context.planner.stack_outputs,
        author=getpass.getuser(),
    )
    for path in done.rotated:
        stderr.print(f"rotated {path}: {name} is at revision {done.revision}", highlight=False, markup=False, soft_wrap=True)
    for problem in done.problems:
        stderr.print(f"error: {problem}", style="red", highlight=False, markup=False, soft_wrap=True)
    if not done.rotated and not done.problems:
        stderr.print(f"{name} has no fn::rotate" + (" at these paths" if paths else ""), style="dim")
    if done.problems:
        raise typer.Exit(FAILED)


def list_(form: Form = Format.TABLE, output: Output = None) -> None:
    """List the environments of all sources, each with its revision and where it lives.

    Example: infra env list --format json
    """
    context = Context()
    source = with_facts(context.settings, context.registry.list, open_source(context.settings))
    rows = [(name, revision, source.read(name).place) for name, revision in sorted(source.list().items())]
    table = plain_table(("environment", "revision", "place"), [(name, revision[:10], place) for name, revision, place in rows])
    plain = [{"environment": name, "revision": revision, "place": place} for name, revision, place in rows]
    write_table(table, plain, markdown_table(("environment", "revision", "place"), rows), form, output)


def get(name: Annotated[str, typer.Argument(metavar="NAME[@REVISION|@TAG]", help="An environment: shared/app, shared/app@3.")]) -> None:
    """Print an environment's definition as it is stored, sealed secrets sealed.

    Examples: infra env get tenants/acme-prod · infra env get shared/app@3 > app.yaml
    """
    context = Context()
    source = with_facts(context.settings, context.registry.list, open_source(context.settings))
    sys.stdout.buffer.write(Library(source).load(name).source)


def remove(
    name: NameArgument,
    expected: Annotated[str | None, typer.Option("--expected", help="The revision that it must be at.")] = None,
) -> None:
    """Take an environment of the database away; its revisions stay, and `put` brings it back.

    Example: infra env remove tenants/acme-prod
    """
    _store().delete(_writable(name), expected=expected, author=getpass.getuser())
    stderr.print(f"{name} is removed from the database", highlight=False, soft_wrap=True)


def history(name: NameArgument, form: Form = Format.TABLE, output: Output = None) -> None:
    """List the revisions of an environment of the database, newest first, with their tags.

    Example: infra env history tenants/acme-prod
    """
    rows = [
        (
            revision.revision,
            revision.created_at.isoformat(timespec="seconds"),
            revision.author,
            "removed" if revision.deleted else "",
            ", ".join(revision.tags),
        )
        for revision in _store().history(canonical_name(name).canonical)
    ]
    if not rows:
        raise UsageError(f"the database has no environment {name}", remedy="infra env list shows where it lives.")
    headings = ("revision", "at", "by", "state", "tags")
    table = plain_table(headings, rows)
    write_table(table, [dict(zip(headings, row, strict=True)) for row in rows], markdown_table(headings, rows), form, output)


def put(
    name: NameArgument,
    file: FileArgument,
    expected: Annotated[str | None, typer.Option("--expected", help="The revision that the change is based on; 0 for a new one.")] = None,
) -> None:
    """Store an environment in the database, as a new revision; plaintext secrets are sealed first.

    Examples: infra env put tenants/acme-prod acme-prod.yaml · infra env put tenants/acme-prod - --expected 4
    """
    canonical = _writable(name)
    source = _read(file)
    _check(file, source)
    settings = Context().settings
    sealed = seal_secrets(source, lambda plaintext: LazySealer(settings).sealer.encrypt(plaintext))
    based = NEW if expected == "0" else expected
    revision = _store().write(canonical, sealed, expected=based, author=getpass.getuser())
    stderr.print(f"{name} is at revision {revision}", highlight=False, soft_wrap=True)


def tag(
    name: NameArgument,
    label: Annotated[str, typer.Argument(metavar="TAG", help="A word: stable.")],
    revision: Annotated[str | None, typer.Argument(metavar="[REVISION]", help="Default: the newest.")] = None,
) -> None:
    """Make a tag of an environment of the database mean a revision; imports use it as NAME@TAG.

    Example: infra env tag shared/app stable 12
    """
    store = _store()
    canonical = canonical_name(name).canonical
    meant = revision or store.read(canonical).revision
    store.set_tag(canonical, label, meant)
    stderr.print(f"{name}@{label} is revision {meant}", highlight=False, soft_wrap=True)


def _writable(name: str) -> str:
    canonical = canonical_name(name).canonical
    if canonical.startswith(f"{FLEET}/"):
        raise UsageError(f"{canonical} is written from the fleet's register", remedy="infra fleet import changes the register.")
    return canonical


def _store() -> StoreSource:
    return StoreSource(connect(Context().settings.database_url))


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None


def _check(file: str, source: bytes) -> None:
    errors = [item for item in parse(file, source).diagnostics if item.error]
    if errors:
        lines = [f"{file}:{item.range.begin.line if item.range else 1}: {item.summary}" for item in errors]
        raise UsageError("\n".join(lines), remedy="Nothing was changed.")


def _give(file: str, content: bytes, *, write_back: bool) -> None:
    if write_back and file != "-":
        path = Path(file)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_bytes(content)
        fresh.chmod(path.stat().st_mode)
        fresh.replace(path)
        stderr.print(f"{file} written", style="dim", soft_wrap=True)
        return
    sys.stdout.buffer.write(content)
