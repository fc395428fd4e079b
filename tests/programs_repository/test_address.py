"""Which repositories may be fetched, and how they are shown."""

from pathlib import Path

import pytest

from infra_assets.errors import InfraError, UsageError
from infra_assets.programs.address import parse
from infra_assets.programs.location import load_location
from infra_assets.programs.mirror import Mirror
from tests.programs_repository.repositories import Repository

SECRET = "ghp_abcdef0123456789"


@pytest.mark.parametrize(
    "url",
    [
        "", "--upload-pack=touch x", "ext::sh -c whoami", "fd::7", "http://example.com/x", "git://example.com/x", "ftp://e/x",
        "https://", "https://github.com/acme/../evil/x", "https://github.com/acme/%2e%2e/evil", "git@github.com:acme/../evil/x",
        "https://github.com/acme/x?y=1", "https://github.com:none/x", "ssh://-oProxyCommand=x/y", "https://a b/x", "https://a/x\ny",
        "https://a\\@b/x", "file://host/path",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"targets\.yaml: programs"):
        Mirror(tmp_path, url, allow=["*", "https://*/*", "ssh://*/*"], root=tmp_path).fetch()


@pytest.mark.parametrize(
    ("url", "pattern", "allowed"),
    [
        ("https://github.com/acme/x", "https://github.com/acme/*", True),
        ("https://GitHub.com/acme/x.git", "https://github.com/acme/*", True),
        (f"https://{SECRET}@github.com/acme/x", "https://github.com/acme/*", True),
        ("https://github.com/evil/x", "https://github.com/acme/*", False),
        ("https://evil.com/.acme.com/x", "https://*.acme.com/*", False),
        ("https://github.com.evil.com/acme/x", "https://github.com/acme/*", False),
        ("https://github.com@evil.com/acme/x", "https://github.com/acme/*", False),
        ("https://github.com:8443/acme/x", "https://github.com/acme/*", False),
        ("ssh://git@github.com/acme/x", "https://github.com/acme/*", False),
        ("git@github.com:acme/x", "git@github.com:acme/*", True),
        ("git@github.com:acme/x", "ssh://git@github.com/acme/*", True),
        ("root@github.com:acme/x", "git@github.com:acme/*", False),
        ("/srv/git/x", "/srv/git/*", True),
        ("/srv/git/../secret", "/srv/git/*", False),
        ("file:///srv/git/x", "/srv/git/*", True),
        ("/srv/git/x", "*", False),
        ("programs/here", "", True),
        (".", "", True),
        ("../beside", "", False),
    ],
)
def test_a_glob_allows_part_by_part(url: str, pattern: str, allowed: bool, tmp_path: Path) -> None:
    assert parse(url, tmp_path).allowed([pattern] if pattern else [], tmp_path) is allowed


def test_what_is_not_allowed_is_told_without_its_password(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path, f"https://jo:{SECRET}@example.com/acme/x", allow=["https://example.com/other/*"], root=tmp_path)
    with pytest.raises(UsageError) as refused:
        mirror.fetch()
    assert "https://example.com/acme/x may not be fetched" in str(refused.value)
    assert "allow" in refused.value.remedy
    assert SECRET not in f"{refused.value!r}{refused.value}"


def test_a_link_in_root_that_leads_elsewhere_needs_permission(tmp_path: Path, upstream: Repository) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "programs").symlink_to(upstream.folder)
    with pytest.raises(UsageError, match="may not be fetched"):
        Mirror(tmp_path / "home", "programs", allow=[], root=root).fetch()


def test_no_password_in_what_git_says(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path, f"https://jo:{SECRET}@127.0.0.1:9/acme/x", allow=["https://127.0.0.1:9/*"], root=tmp_path)
    with pytest.raises(InfraError) as failed:
        mirror.fetch()
    assert "https://127.0.0.1:9/acme/x cannot be fetched" in str(failed.value)
    assert SECRET not in str(failed.value)
    assert SECRET not in "".join(file.read_text(errors="replace") for file in tmp_path.rglob("*") if file.is_file())
    said = f"fatal: unable to access 'https://jo:{SECRET}@127.0.0.1:9/acme/x/': and {SECRET}, and https://who:else@there/x"
    shown = parse(f"https://jo:{SECRET}@127.0.0.1:9/acme/x", tmp_path).clean(said)
    assert shown == "fatal: unable to access 'https://127.0.0.1:9/acme/x/': and ***, and https://there/x"


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://github.com/acme/x.git", "https://github.com/acme/x/compare/a...b"),
        (f"https://{SECRET}@github.com/acme/x", "https://github.com/acme/x/compare/a...b"),
        ("git@github.com:acme/x.git", "https://github.com/acme/x/compare/a...b"),
        ("ssh://git@gitlab.acme.io:2222/group/sub/x.git", "https://gitlab.acme.io/group/sub/x/-/compare/a...b"),
        ("https://example.com/x", ""),
        (".", ""),
    ],
)
def test_a_link_shows_the_difference(url: str, page: str, tmp_path: Path) -> None:
    mirror = Mirror(tmp_path, url, allow=[], root=tmp_path)
    assert mirror.link("a", "b") == page
    assert mirror.link("", "b") == page.replace("compare/a...b", "commit/b")


def test_where_the_programs_are_is_read_from_targets_yaml(tmp_path: Path) -> None:
    file = tmp_path / "targets.yaml"
    assert (load_location(file).programs, load_location(file).allow) == (".", ())
    file.write_text("programs: https://github.com/acme/x\nallow: ['https://github.com/acme/*']\ntargets: {whatever: 3}\n")
    assert (load_location(file).programs, load_location(file).allow) == ("https://github.com/acme/x", ("https://github.com/acme/*",))
    file.write_text(f"programs: [https://{SECRET}@github.com/acme/x]\n")
    with pytest.raises(UsageError, match=r"^targets.yaml: programs: Input should be a valid string \(line 1\)") as refused:
        load_location(file)
    assert SECRET not in str(refused.value)
