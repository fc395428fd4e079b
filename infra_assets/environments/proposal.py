"""A proposed change of environments, laid over what is live: a branch, a folder, or a draft of Pulumi Cloud."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra_assets.environments import layers
from infra_assets.environments.names import parse_name
from infra_assets.environments.opening import ACCESS, clouds, commits, folders, rules_file, sources
from infra_assets.environments.sources.folder import FolderSource
from infra_assets.environments.sources.narrowing import Narrowing, Nothing
from infra_assets.environments.sources.overlay import Overlay
from infra_assets.environments.sources.protocol import MissingEnvironmentError, MissingRevisionError, Source, SourceError
from infra_assets.environments.sources.replaced import Changes, Replaced
from infra_assets.errors import UsageError
from infra_assets.settings import Settings

if TYPE_CHECKING:
    from infra_assets.environments.sources.cloud_api import CloudApi
    from infra_assets.environments.sources.proposed import ProposedSource

DRAFT = "draft:"
_DRAFT_FORM = "Its form is draft:PROJECT/ENVIRONMENT@ID; the ID is that of the change request, which `pulumi env edit --draft` prints."
_FACTS = f"{layers.FLEET}/"
_Sources = Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is live, and what would be."""

    source: Source
    """What is live, with the proposal in it."""
    live: Source
    changed: frozenset[str]
    """The environments that differ between the two: added, changed, deleted, or not to be had."""
    label: str
    """What a person calls it: `my-branch 1a2b3c4d`, `folder proposals/`, `draft shared/app@12`."""
    notes: Sequence[str]
    """What a person should know about it, a sentence each."""
    narrowing: Narrowing


def open_proposal(settings: Settings, text: str, *, base: str | None = None) -> Proposal:
    """Return a proposal by what a person calls it: `draft:PROJECT/ENVIRONMENT[@ID]`, a branch, tag or commit, or a folder.

    A branch is compared with what is live; with `base`, with the folder as that commit has it, for a checkout that is itself the branch.

    Raises:
        UsageError: it is none of these, `base` is none, or no source can have such a proposal.
        SourceError: a source does not answer.
    """
    if text.startswith(DRAFT):
        _without_base(base, "a draft")
        return _draft(settings, text.removeprefix(DRAFT))
    folder = _folder(settings, text)
    meant = folder is not None and (text.startswith(("/", "./", "../")) or text.endswith("/") or text in {".", ".."})
    branch = folder is not None and not meant and _is_branch(settings, text)
    if folder is not None and not branch:
        _without_base(base, "a folder")
        return _laid_over(settings, folder)
    notes = [f"{text} is a branch and a folder: the branch was taken; the folder is ./{text}"] if branch else []
    return _branch(settings, text, base, notes)


def hidden(before: Iterable[Source], names: Iterable[str]) -> list[str]:
    """Return those of these environments that a source has which comes before: no change of them has an effect.

    Raises:
        SourceError: one of the sources does not answer.
    """
    lists = [source.list() for source in before]
    return sorted(name for name in names if any(name in listed for listed in lists))


def _branch(settings: Settings, ref: str, base: str | None, notes: list[str]) -> Proposal:
    from infra_assets.environments.sources.git import GitSource

    proposed = _proposed(settings, ref, base)
    instead: dict[str, Source] = {}
    if base is not None:
        for word, (repository, _, path) in _places(settings).items():
            if word in proposed:
                try:
                    instead[word] = GitSource(repository, base, path)
                except SourceError as error:
                    raise UsageError(f"--base {base}: {error}") from None
    live = sources(settings, instead=instead)
    for word, each in proposed.items():
        notes += _branch_notes(each, word, live, others=base is not None)
    return _proposal(settings, live, proposed, next(iter(proposed.values())).label, notes)


def _proposed(settings: Settings, ref: str, base: str | None) -> "dict[str, ProposedSource]":
    """Return what a branch does to each source that can have one."""
    from infra_assets.environments.sources.proposed import ProposedSource
    from infra_assets.environments.sources.refs import MissingRefError

    found: dict[str, ProposedSource] = {}
    refused: list[str] = []
    places = _places(settings)
    for word, (repository, live, path) in places.items():
        try:
            found[word] = ProposedSource(repository, ref, base=base or live, path=path)
        except MissingRefError as error:
            refused.append(error.message)
    if not places:
        raise UsageError(
            f"{ref}: it is no folder, and cannot be a branch: INFRA_ENVIRONMENTS={settings.environments} has none in a git repository",
            remedy="Name a folder of environments; or have a folder that git knows, or git:REPOSITORY#REF, among the sources.",
        )
    if not found:
        raise UsageError(
            "; ".join(dict.fromkeys(refused)), remedy="It takes a branch, a tag, a commit, a folder or draft:PROJECT/ENVIRONMENT@ID."
        )
    return found


def _branch_notes(proposed: "ProposedSource", word: str, live: _Sources, *, others: bool) -> list[str]:
    notes: list[str] = []
    if proposed.since is None:
        notes.append(f"{proposed.label} has no commit in common with what it is compared with: all that it has counts as changed")
    elif not proposed.names:
        notes.append(f"{proposed.label} changes no environment in {word} that is not there already (it left at {proposed.since[:8]})")
    if proposed.access_changed():
        whose = "those of the checkout hold for both sides" if others else "the live ones hold"
        notes.append(f"{proposed.label} changes {ACCESS}, the rules of access: {whose}")
    return [*notes, *proposed.problems(), *_hidden_notes(word, live, proposed.names)]


def _hidden_notes(word: str, live: _Sources, names: Iterable[str]) -> list[str]:
    words = list(live)
    touched = list(names)
    lost = {before: hidden([live[before]], touched) for before in words[: words.index(word)]}
    notes = [f"without effect, for {before} has them and comes before {word}: {', '.join(each)}" for before, each in lost.items() if each]
    return [*notes, *_facts_notes(touched)]


def _facts_notes(names: Iterable[str]) -> list[str]:
    facts = sorted(name for name in names if name.startswith(_FACTS))
    return [f"without effect, for they are written from the fleet's register: {', '.join(facts)}"] if facts else []


def _laid_over(settings: Settings, folder: Path) -> Proposal:
    top = FolderSource(folder, base=settings.root)
    live = sources(settings)
    shown = folder.relative_to(settings.root.resolve()) if folder.is_relative_to(settings.root.resolve()) else folder
    notes = [*top.problems()]
    if folder in folders(settings).values():
        notes.append(f"{shown}/ is itself among the sources")
    notes += _facts_notes(top.list())
    if _other_rules(settings, folder / ACCESS):
        notes.append(f"{shown}/{ACCESS} differs from the rules of access: the live ones hold")
    over = Overlay(*live.values())
    source = Overlay(top, over)
    return Proposal(source, over, _changed(over, source, top.list()), f"folder {shown}/", notes, _narrowing(settings, live))


def _draft(settings: Settings, text: str) -> Proposal:
    from infra_assets.environments.sources.draft import DraftSource

    organizations = clouds(settings)
    if not organizations:
        raise UsageError(
            f"{DRAFT}{text}: a draft is one of Pulumi Cloud, and INFRA_ENVIRONMENTS={settings.environments} has no pulumi:ORGANIZATION",
            remedy="Add it to the sources, with INFRA_PULUMI_ACCESS_TOKEN.",
        )
    wanted = parse_name(text)
    live = sources(settings)
    word = _holder(live, list(organizations), wanted.canonical)
    notes: list[str] = []
    number = wanted.version or _newest_draft(organizations[word], wanted.canonical, notes)
    try:
        draft = DraftSource(organizations[word], wanted.canonical, number)
    except MissingRevisionError as error:
        raise UsageError(error.message, remedy=_DRAFT_FORM) from None
    if behind := draft.behind():
        notes.append(
            f"{draft.label} rests on revision {behind[0]}, and revision {behind[1]} is live: it is taken as it is, without what came since"
        )
    notes += _hidden_notes(word, live, draft.names)
    return _proposal(settings, live, {word: draft}, draft.label, notes)


def _holder(live: _Sources, words: Sequence[str], name: str) -> str:
    """Return the first of these sources that has an environment, else the first."""
    if len(words) == 1:
        return words[0]
    return next((word for word in words if _content(live[word], name) is not None), words[0])


def _newest_draft(cloud: "CloudApi", name: str, notes: list[str]) -> str:
    from infra_assets.environments.sources.draft import open_drafts

    drafts = open_drafts(cloud, name)
    if drafts is None:
        raise UsageError(f"{DRAFT}{name}: {cloud.place} does not tell which drafts there are", remedy=_DRAFT_FORM)
    if not drafts:
        raise UsageError(f"{DRAFT}{name}: there is no open draft of it in {cloud.place}", remedy=_DRAFT_FORM)
    if len(drafts) > 1:
        notes.append(f"{name} has {len(drafts)} open drafts, of which {drafts[0]} is the newest; also {', '.join(drafts[1:])}")
    return drafts[0]


def _proposal(settings: Settings, live: _Sources, changes: Mapping[str, Changes], label: str, notes: Sequence[str]) -> Proposal:
    with_it = {word: Replaced(each, changes[word]) if word in changes else each for word, each in live.items()}
    before, after = Overlay(*live.values()), Overlay(*with_it.values())
    touched = {name for each in changes.values() for name in each.names}
    return Proposal(after, before, _changed(before, after, touched), label, notes, _narrowing(settings, live))


def _changed(live: Source, source: Source, touched: Iterable[str]) -> frozenset[str]:
    # By content: the same text has a number in the one source and a blob id in the other. A list of all would take a service minutes.
    return frozenset(name for name in touched if not name.startswith(_FACTS) and not _same(live, source, name))


def _same(live: Source, source: Source, name: str) -> bool:
    try:
        return _content(live, name) == _content(source, name)
    except SourceError:
        return False


def _content(source: Source, name: str) -> bytes | None:
    try:
        return source.read(name).source
    except MissingEnvironmentError:
        return None


def _narrowing(settings: Settings, live: _Sources) -> Narrowing:
    """Return what tells who is concerned: Pulumi Cloud, where all environments are there, for it knows of no other's imports."""
    organizations = clouds(settings)
    if len(organizations) != 1 or any(each.list() for word, each in live.items() if word not in organizations):
        return Nothing()
    from infra_assets.environments.sources.referrers import Referrers

    return Referrers(next(iter(organizations.values())))


def _places(settings: Settings) -> dict[str, tuple[Path, str, str]]:
    """Return repository, live ref and folder of each source that a branch can change."""
    from infra_assets.environments.sources.refs import repository_at

    found: dict[str, tuple[Path, str, str]] = {}
    known = commits(settings)
    for word, folder in folders(settings).items():
        repository = repository_at(folder)
        if repository is not None:
            top = Path(repository.workdir).resolve()
            found[word] = (top, "HEAD", folder.relative_to(top).as_posix().removeprefix("."))
    return found | known


def _is_branch(settings: Settings, text: str) -> bool:
    from infra_assets.environments.sources.refs import is_named

    return any(is_named(repository, text) for repository, _, _ in _places(settings).values())


def _folder(settings: Settings, text: str) -> Path | None:
    candidates = [Path.cwd() / text, settings.root / text] if text else []
    return next((each.resolve() for each in candidates if each.is_dir()), None)


def _other_rules(settings: Settings, file: Path) -> bool:
    if not file.is_file():
        return False
    live = rules_file(settings)
    return live is None or live[1] != file.read_text(encoding="utf-8", errors="replace")


def _without_base(base: str | None, what: str) -> None:
    if base is not None:
        raise UsageError(f"--base {base}: {what} has no base", remedy="Leave it out: it is for a branch.")
