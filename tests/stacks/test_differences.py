"""Which properties differ, from what to what, as people see it."""

from typing import Any

import pytest

from infra_assets.stacks.differences import LONGEST, PLACEHOLDER, SECRET_MARK, is_unknown, properties, shown

HIDDEN = {SECRET_MARK: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}


def step(path: str, kind: str = "update", *, old: Any = None, new: Any = None, **more: Any) -> dict[str, Any]:
    """A step of a preview in which one property differs: state of before, declaration of now."""
    return {
        "detailedDiff": {path: {"diffKind": kind, "inputDiff": False}},
        "old": {"inputs": {}, "outputs": old or {}},
        "new": {"inputs": new or {}, "outputs": {}},
        **more,
    }


def change(path: str, kind: str = "update", **values: Any) -> tuple[Any, Any]:
    found = properties(step(path, kind, **values))
    assert [each["path"] for each in found] == [path]
    return found[0]["before"], found[0]["after"]


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("size", {"size": "a"}, {"size": "b"}),
        ("tags.Name", {"tags": {"Name": "a"}}, {"tags": {"Name": "b"}}),
        ('tags["kubernetes.io/role"]', {"tags": {"kubernetes.io/role": "a"}}, {"tags": {"kubernetes.io/role": "b"}}),
        ('tags["say \\"hi\\""]', {"tags": {'say "hi"': "a"}}, {"tags": {'say "hi"': "b"}}),
        ('tags[""]', {"tags": {"": "a"}}, {"tags": {"": "b"}}),
        ("ingress[1].ports[0]", {"ingress": [{}, {"ports": ["a"]}]}, {"ingress": [{}, {"ports": ["b"]}]}),
        ("tags.0", {"tags": {"0": "a"}}, {"tags": {"0": "b"}}),
    ],
)
def test_a_path_is_followed_through_names_quotes_and_indices(path: str, old: Any, new: Any) -> None:
    assert change(path, old=old, new=new) == ("a", "b")


def test_what_is_added_was_not_and_what_is_deleted_is_not() -> None:
    assert change("tags.Name", "add", new={"tags": {"Name": "b"}}) == (None, "b")
    assert change("tags.Name", "delete", old={"tags": {"Name": "a"}}) == ("a", None)
    assert change("ingress[3]", "delete", old={"ingress": ["a"]}) == (None, None)


@pytest.mark.parametrize(("kind", "plainly"), [("add-replace", "add"), ("update-replace", "update"), ("delete-replace", "delete")])
def test_a_kind_is_told_without_that_it_replaces(kind: str, plainly: str) -> None:
    assert properties(step("size", kind, old={"size": 1}, new={"size": 2}))[0]["kind"] == plainly


def test_a_secret_is_known_by_its_mark_at_and_above_the_path() -> None:
    assert change("password", old={"password": HIDDEN}, new={"password": HIDDEN}) == ("[secret]", "[secret]")
    assert change("login.password", old={"login": HIDDEN}, new={"login": {"password": HIDDEN}}) == ("[secret]", "[secret]")
    assert change("login", old={"login": {"user": "jo", "password": HIDDEN}}, new={"login": [HIDDEN]}) == (
        {"user": "jo", "password": "[secret]"},
        ["[secret]"],
    )


def test_what_only_an_up_will_tell_is_unknown() -> None:
    assert change("vpcId", old={"vpcId": "vpc-1"}, new={"vpcId": PLACEHOLDER}) == ("vpc-1", "[unknown]")
    assert change("arn", old={"arn": "arn:1"}) == ("arn:1", "[unknown]")
    assert is_unknown({"a": [{"b": PLACEHOLDER}]})
    assert is_unknown("[unknown]")
    assert not is_unknown({"a": [1, None, "known"]})


def test_what_a_refresh_reads_is_the_clouds_answer_then_and_now() -> None:
    read = {
        "detailedDiff": {"tags.Owner": {"diffKind": "update", "inputDiff": False}, "tags.Gone": {"diffKind": "update", "inputDiff": False}},
        "old": {"inputs": {"tags": {"Owner": "declared"}}, "outputs": {"tags": {"Owner": "ours", "Gone": "x"}}},
        "new": {"inputs": {"tags": {"Owner": "declared"}}, "outputs": {"tags": {"Owner": "somebody"}}},
    }
    assert {each["path"]: (each["before"], each["after"]) for each in properties(read, refreshed=True)} == {
        "tags.Owner": ("ours", "somebody"),
        "tags.Gone": ("x", None),  # not unknown: it was looked at
    }
    assert {each["path"]: (each["before"], each["after"]) for each in properties(read)} == {
        "tags.Owner": ("ours", "declared"),
        "tags.Gone": ("x", "[unknown]"),
    }


def test_a_difference_of_inputs_compares_what_was_declared() -> None:
    found = properties({
        "detailedDiff": {"size": {"diffKind": "update", "inputDiff": True}},
        "old": {"inputs": {"size": 1}, "outputs": {"size": 9}},
        "new": {"inputs": {"size": 2}, "outputs": {"size": 9}},
    })  # fmt: skip
    assert (found[0]["before"], found[0]["after"]) == (1, 2)


def test_a_tag_is_told_once_though_the_provider_repeats_it() -> None:
    both = {
        "detailedDiff": {
            path: {"diffKind": "update"}
            for path in ("tags.Owner", "tagsAll.Owner", 'tags["a.b"]', 'tagsAll["a.b"]', "tagsAll.Inherited", "tagsAllowed")
        }
    }
    assert [each["path"] for each in properties(both)] == ["tags.Owner", "tagsAll.Inherited", "tagsAllowed", 'tags["a.b"]']


def test_without_details_the_names_that_differ_are_told() -> None:
    plain = {"diffs": ["size"], "old": {"outputs": {"size": 1}}, "new": {"inputs": {"size": 2}}}
    assert properties(plain) == [{"path": "size", "kind": "update", "before": 1, "after": 2}]
    assert properties({}) == []


def test_a_long_text_is_cut_and_other_values_stay_what_they_are() -> None:
    assert shown("x" * LONGEST) == "x" * LONGEST
    assert shown(["x" * (LONGEST + 1)]) == ["x" * LONGEST + "…"]
    assert shown({"a": [True, None, 1.5]}) == {"a": [True, None, 1.5]}
