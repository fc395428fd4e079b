"""Providers that open the same thing once, however many cells want it."""

from collections.abc import Mapping

from infra_assets.environments.language.model import ExecutionContext, Provider, Providers, Rotator, Value


class Remembering:
    """Providers that remember what they opened."""

    def __init__(self, providers: Providers) -> None:
        self._providers = providers
        self._opened: dict[tuple[str, str], Value] = {}

    def provider(self, name: str) -> Provider:
        """Return a provider that remembers."""
        return _Remembered(name, self._providers.provider(name), self._opened)

    def rotator(self, name: str) -> Rotator:
        """Return a rotator."""
        return self._providers.rotator(name)


class _Remembered:
    def __init__(self, name: str, provider: Provider, opened: dict[tuple[str, str], Value]) -> None:
        self._name = name
        self._provider = provider
        self._opened = opened
        self.inputs = provider.inputs
        self.outputs = provider.outputs

    def open(self, inputs: Mapping[str, Value], context: ExecutionContext) -> Value:
        """Open, the first time."""
        key = (self._name, repr([(name, value.plain(reveal=True)) for name, value in sorted(inputs.items())]))
        if key not in self._opened:
            self._opened[key] = self._provider.open(inputs, context)
        return self._opened[key]
