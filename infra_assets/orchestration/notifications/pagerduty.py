"""A rollout that halts or fails as an incident of PagerDuty, which its good end resolves."""

import json
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pypd
from dagster_pagerduty import PagerDutyService

from infra_assets.orchestration.notifications.delivery import post
from infra_assets.rollouts.announcements import Announcement, as_text
from infra_assets.settings import Settings

URL = "https://events.pagerduty.com"
ACTIONS = {"halted": "trigger", "failed": "trigger", "done": "resolve"}
"""What becomes of an announcement, by its kind; the others concern nobody at night."""
SUMMARY_LENGTH = 1024
KEY_LENGTH = 255


def send(settings: Settings, announcement: Announcement, timeout_s: float) -> None:
    """Open or resolve the rollout's incident; kinds that are neither are taken without a word.

    Raises:
        DeliveryError: PagerDuty does not answer, or says no.
    """
    assert settings.pagerduty_key
    action = ACTIONS.get(announcement.kind)
    if action is None:
        return
    # dagster_pagerduty posts through this class, which waits forever and logs the key.
    pypd.EventV2 = _events(settings.pagerduty_url or URL, timeout_s)
    PagerDutyService(routing_key=settings.pagerduty_key.get_secret_value()).EventV2_create(
        summary=announcement.title[:SUMMARY_LENGTH],
        source=urlsplit(settings.public_url or "").hostname or socket.gethostname(),
        severity=announcement.severity,
        event_action=action,
        dedup_key=announcement.dedup_key[:KEY_LENGTH] or f"rollout/{announcement.rollout_id}",
        timestamp=announcement.at.isoformat() if announcement.at else None,
        component=f"rollout {announcement.rollout_id}",
        event_class=f"rollout {announcement.kind}",
        custom_details={"message": as_text(announcement), **announcement.counts},
    )


def _events(url: str, timeout_s: float) -> type[pypd.EventV2]:
    """Return PagerDuty's events at an address, posted within a time."""

    class Events(pypd.EventV2):
        base_url = f"{url.rstrip('/')}/v2/enqueue"

        def _do_request(self, method: str, url: str, *, headers: Mapping[str, str], json: Any, **_: Any) -> None:  # noqa: ARG002
            post(url.rstrip("/"), content=_encoded(json), headers=_unnamed(headers), timeout_s=timeout_s)

    return Events


def _encoded(event: Any) -> bytes:
    return json.dumps(event).encode()


def _unnamed(headers: Mapping[str, str]) -> dict[str, str]:
    """Leave out the token of PagerDuty's other API, which there is none of."""
    return {name: value for name, value in headers.items() if name != "Authorization"}
