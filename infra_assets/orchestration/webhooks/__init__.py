"""Receives webhooks, so that what changed is looked at now and not at the next tick. Polling stays the truth: a webhook that is lost, late
or refused costs an interval, and one that says something untrue makes us look, and find nothing.
"""

from infra_assets.orchestration.webhooks.server import address, serve

__all__ = ["address", "serve"]
