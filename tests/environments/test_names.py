"""Names of environments, as they stand in imports and on the command line."""

import pytest

from infra_assets.environments.language.model import LoadError
from infra_assets.environments.names import InvalidNameError, Name, canonical_name, parse_name
from infra_assets.errors import UsageError

BLOB = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "name", "canonical"),
    [
        ("shared/app", Name("shared", "app"), "shared/app"),
        ("app", Name("default", "app"), "default/app"),
        ("app@3", Name("default", "app", "3"), "default/app"),
        ("shared/app@stable", Name("shared", "app", "stable"), "shared/app"),
        ("tenants/Acme_1.prod-eu", Name("tenants", "Acme_1.prod-eu"), "tenants/Acme_1.prod-eu"),
        (f"{'p' * 100}/{'e' * 100}", Name("p" * 100, "e" * 100), f"{'p' * 100}/{'e' * 100}"),
        ("...", Name("default", "..."), "default/..."),
    ],
)
def test_a_name_has_a_project_an_environment_and_perhaps_a_version(text: str, name: Name, canonical: str) -> None:
    assert parse_name(text) == name
    assert name.canonical == canonical
    assert parse_name(str(name)) == name


@pytest.mark.parametrize(
    ("text", "pinned"),
    [("a/b", False), ("a/b@3", True), ("a/b@3-rc", True), ("a/b@stable", False), (f"a/b@{BLOB}", True), ("a/b@abc", False)],
)
def test_a_version_that_starts_with_a_digit_or_is_a_blob_id_is_a_revision(text: str, pinned: bool) -> None:
    assert parse_name(text).pinned is pinned


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "environment ''"),
        ("shared/", "environment ''"),
        ("/app", "project ''"),
        ("../app", r"project '\.\.'"),
        ("shared/..", r"environment '\.\.'"),
        ("shared/.", r"environment '\.'"),
        ("shared/a/b", "environment 'a/b'"),
        ("shared/../../etc/passwd", r"environment '\.\./\.\./etc/passwd'"),
        ("shared\\app", "environment"),
        ("shared/app\n", r"environment 'app\\n'"),
        ("shared/a\x00b", "environment"),
        ("shared/größe", "environment 'größe'"),
        ("shared/٣", "environment '٣'"),
        (f"shared/{'e' * 101}", "environment 'eeee"),
        ("shared/app@", "version ''"),
        ("shared/app@../x", r"version '\.\./x'"),
        ("shared/app@1@2", "version '1@2'"),
        ("org/shared/app", "environment 'shared/app'"),
    ],
)
def test_what_is_no_name_is_refused_with_the_part_that_is_wrong(text: str, part: str) -> None:
    with pytest.raises(InvalidNameError, match=f"the {part}.* is not 1 to 100 letters") as refused:
        parse_name(text)
    assert isinstance(refused.value, LoadError)
    assert isinstance(refused.value, UsageError)


@pytest.mark.parametrize("text", ["app", "shared/app@3", "shared/app@latest"])
def test_sources_take_canonical_names_alone(text: str) -> None:
    with pytest.raises(InvalidNameError, match="without a version"):
        canonical_name(text)
