"""Tells people what happens to rollouts: on Slack, by PagerDuty, and by a plain webhook."""

from infra_assets.orchestration.notifications.delivery import Channel, Delivery
from infra_assets.orchestration.notifications.notifier import Notifier, problems

__all__ = ["Channel", "Delivery", "Notifier", "problems"]
