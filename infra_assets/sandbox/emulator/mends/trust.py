"""Whether a role's trust policy lets a caller in: accounts, actions and the external id, which is what the programs use."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

ACTIONS = ("sts:AssumeRole", "sts:*", "*")
EXTERNAL_ID = "sts:externalid"


def allows(document: Mapping[str, Any], account: str, external_id: str | None) -> bool:
    """Return whether a trust policy lets a principal of `account` assume the role with this external id.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html. Of conditions only sts:ExternalId is judged,
    and a principal that is a user or role stands for its account.
    """
    return any(_admits(statement, account, external_id) for statement in _list(document.get("Statement")))


def _admits(statement: Mapping[str, Any], account: str, external_id: str | None) -> bool:
    return (
        statement.get("Effect") == "Allow"
        and any(action in ACTIONS for action in _list(statement.get("Action")))
        and account in _accounts(statement.get("Principal"), account)
        and all(external_id in wanted for wanted in _external_ids(statement.get("Condition") or {}))
    )


def _accounts(principal: Any, caller: str) -> set[str]:
    named: Any = cast("dict[str, Any]", principal).get("AWS") if isinstance(principal, dict) else principal
    # An ARN's fifth part is its account; a bare account id stands for its root.
    return {caller if each == "*" else each.split(":")[4] if ":" in each else each for each in _list(named)}


def _external_ids(condition: Mapping[str, Any]) -> Iterator[list[Any]]:
    for operator, keys in condition.items():
        if operator in ("StringEquals", "StringLike"):
            yield from (_list(value) for key, value in keys.items() if key.lower() == EXTERNAL_ID)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]
