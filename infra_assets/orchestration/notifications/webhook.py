"""An announcement as JSON, to whoever wants it."""

import hashlib
import hmac
import json

from infra_assets.orchestration.notifications.delivery import post
from infra_assets.rollouts.announcements import Announcement, as_json
from infra_assets.settings import Settings

SIGNATURE = "X-Infra-Signature"
DELIVERY = "X-Infra-Delivery"


def send(settings: Settings, announcement: Announcement, timeout_s: float) -> None:
    """Post it, signed where there is a secret.

    Raises:
        DeliveryError: nobody takes it.
    """
    assert settings.notify_url
    body = json.dumps(as_json(announcement), ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "infra-assets", DELIVERY: delivery_id(announcement, body)}
    if settings.notify_secret:
        headers[SIGNATURE] = f"sha256={hmac.new(settings.notify_secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()}"
    post(settings.notify_url.get_secret_value(), content=body, headers=headers, timeout_s=timeout_s)


def delivery_id(announcement: Announcement, body: bytes) -> str:
    """Return what tells an announcement from every other, and is the same when it is sent again: `KEY/halted/9f86d081884c`."""
    return f"{announcement.dedup_key or announcement.rollout_id}/{announcement.kind}/{hashlib.sha256(body).hexdigest()[:12]}"
