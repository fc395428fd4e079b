"""What stands under an `fn::open` or `fn::rotate`, read by type.

The evaluator has checked it against the schema; a provider that is called otherwise gets a clear error all the same.
An error names the place, never the value: it may be a secret.
"""

from collections.abc import Mapping
from typing import TypeVar, cast, overload

from infra_assets.environments.language.model import Plain, ProviderError, Value

T = TypeVar("T")


class Inputs:
    """The entries of one object. What is null counts as absent."""

    def __init__(self, values: Mapping[str, Plain], path: str = "") -> None:
        self._values = {name: value for name, value in values.items() if value is not None}
        self._path = path

    @staticmethod
    def of(values: Mapping[str, Value], path: str = "") -> "Inputs":
        """Return evaluated values for reading.

        Raises:
            ProviderError: something in them is unknown.
        """
        return Inputs({name: _known(value, f"{path}{name}") for name, value in values.items()}, path)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def place(self, name: str) -> str:
        """Return where an entry stands: `get.password.secretId`."""
        return f"{self._path}{name}"

    @overload
    def text(self, name: str) -> str: ...

    @overload
    def text(self, name: str, default: str) -> str: ...

    def text(self, name: str, default: str | None = None) -> str:
        """Return a string; without a default it must be there, and hold something.

        Raises:
            ProviderError: it is missing, or no string.
        """
        found = self._get(name, str, "a string", default)
        if not found and default is None:
            raise ProviderError(f"{self.place(name)} is empty")
        return found

    def flag(self, name: str, default: bool) -> bool:
        """Return a boolean.

        Raises:
            ProviderError: it is something else.
        """
        return self._get(name, bool, "true or false", default)

    def whole(self, name: str, default: int, lowest: int, highest: int) -> int:
        """Return a whole number.

        Raises:
            ProviderError: it is none, or out of bounds.
        """
        found: Plain = self._values.get(name, default)
        if isinstance(found, bool) or not isinstance(found, int | float) or not lowest <= found <= highest or found != int(found):
            raise ProviderError(f"{self.place(name)} is not a whole number from {lowest} to {highest}")
        return int(found)

    def texts(self, name: str) -> list[str]:
        """Return a list of strings, empty where there is none.

        Raises:
            ProviderError: it is something else.
        """
        found: list[Plain] = self._get(name, list, "a list of strings", [])
        if not all(isinstance(item, str) for item in found):
            raise ProviderError(f"{self.place(name)} is not a list of strings")
        return found

    def part(self, name: str) -> "Inputs":
        """Return the entries of an object that must be there.

        Raises:
            ProviderError: it is missing, or no object.
        """
        return Inputs(self._object(name), f"{self.place(name)}.")

    def parts(self, name: str) -> dict[str, "Inputs"]:
        """Return the objects in an object, by name.

        Raises:
            ProviderError: it is missing, or holds something else.
        """
        named = self.part(name)
        return {each: named.part(each) for each in self._object(name)}

    def _object(self, name: str) -> Mapping[str, Plain]:
        return cast("Mapping[str, Plain]", self._get(name, dict, "an object", None))

    def _get(self, name: str, kind: type[T], called: str, default: T | None) -> T:
        if name not in self._values:
            if default is None:
                raise ProviderError(f"{self.place(name)} is missing")
            return default
        found: Plain = self._values[name]
        if not isinstance(found, kind):
            raise ProviderError(f"{self.place(name)} is not {called}")
        return found


def _known(value: Value, path: str) -> Plain:
    if value.unknown:
        raise ProviderError(f"{path} is unknown")
    match value.value:
        case list():
            return [_known(item, f"{path}[{number}]") for number, item in enumerate(value.value)]
        case dict():
            return {name: _known(item, f"{path}.{name}") for name, item in value.value.items()}
        case _:
            return value.plain(reveal=True)
