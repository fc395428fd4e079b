"""Reads what is compared of TEPs from their stacks' states: the resources that programs declared."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from infra_assets.errors import InfraError
from infra_assets.previews.parity.leaves import Neutral, Reader
from infra_assets.previews.parity.result import RESOURCE, Unread
from infra_assets.previews.parity.sides import Asked, Item, Secret, Sides, Variant
from infra_assets.stacks.declared import Declaration, parse_declared
from infra_assets.stacks.state import BucketStore, Store, checkpoint_path

AT_ONCE = 16
"""Objects of a bucket that are read at once."""
NEVER = "never deployed"
GONE = "the ledger has it as deployed, and there is no state of it"
EMPTY = "its stack holds no resources"


def read_states(store: Store | InfraError, asked: Sequence[Asked], found: Sides) -> None:
    """Read the declared resources of TEPs; what cannot be read is noted with its cause."""
    down = store.message if isinstance(store, InfraError) else ""
    for each in asked:
        if isinstance(store, InfraError) or down:
            found.unread += [Unread(each.tep.name, project, RESOURCE, down) for project in each.projects]
            continue
        contents = _contents(store, each)
        _read_stacks(each, contents, found)
        # A backend that does not answer is not asked thousands of times.
        down = next((str(said) for said in contents.values() if isinstance(said, _Down)), "")


class _Down(Exception):  # noqa: N818  # says why
    """The backend does not answer."""


_Content = bytes | Exception | None


def _contents(store: Store, asked: Asked) -> dict[str, _Content]:
    names = [*asked.projects, *asked.others]

    def read(project: str) -> _Content:
        return _content(store, checkpoint_path(project, asked.tep.name))

    if isinstance(store, BucketStore):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(names, pool.map(read, names), strict=True))
    return {name: read(name) for name in names}


def _content(store: Store, path: str) -> _Content:
    try:
        return store.read(path)
    except OSError as error:
        return InfraError(f"its state cannot be read: {error.strerror or error}")
    except Exception as error:
        from botocore.exceptions import BotoCoreError, ClientError

        if isinstance(error, BotoCoreError):
            return _Down(f"the state backend does not answer: {error}")
        if isinstance(error, ClientError):
            return InfraError(f"its state cannot be read: {error}")
        raise


def _read_stacks(asked: Asked, contents: Mapping[str, _Content], found: Sides) -> None:
    declared: dict[str, Declaration] = {}
    for project, content in contents.items():
        cause = _parsed(asked, project, content, declared)
        if cause and project in asked.projects:
            found.unread.append(Unread(asked.tep.name, project, RESOURCE, cause))
    made = Neutral(asked.tep, (name for each in declared.values() for item in each.resources for name in item.given))
    for project in asked.projects:
        if project in declared:
            _read_stack(asked.tep.name, project, declared[project], made, found)


def _parsed(asked: Asked, project: str, content: _Content, declared: dict[str, Declaration]) -> str:
    """Parse a state; returns why that cannot be, "" where it can."""
    if isinstance(content, Exception):
        return str(content)
    if content is None:
        return GONE if project in asked.deployed else NEVER
    try:
        parsed = parse_declared(content, project, asked.tep.name)
    except InfraError as error:
        return error.message
    if not parsed.resources:
        return EMPTY
    declared[project] = parsed
    return ""


def _read_stack(tep: str, project: str, declared: Declaration, made: Neutral, found: Sides) -> None:
    found.note(RESOURCE, project, tep)
    reader = Reader(made.own(declared.resources), made)
    seen: set[Item] = set()
    secrets: list[Secret] = []
    for each in declared.resources:
        item = Item(project, RESOURCE, made.text(each.name), each.type, each.parents)
        if item in seen:  # two names that read the same without what is the TEP's own
            item = next(
                other for n in count(2) if (other := Item(project, RESOURCE, f"{item.name} #{n}", each.type, each.parents)) not in seen
            )
        seen.add(item)
        leaves, hidden = reader.read(each)
        found.add(item, tep, Variant(leaves))
        secrets += [Secret(item, path, secret) for path, secret in hidden]
    if secrets:
        found.secrets[tep, project] = (declared.salt, secrets)
