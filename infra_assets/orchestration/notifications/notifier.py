"""Hands announcements to the channels that are set up, side by side and within a time. It never raises: no rollout fails by it."""

import importlib
import logging
from collections.abc import Collection, Generator, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from pydantic import SecretStr
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_fixed

from infra_assets.orchestration.masking import masker
from infra_assets.orchestration.notifications.delivery import CHANNELS, Channel, Delivery, DeliveryError
from infra_assets.rollouts.announcements import Announcement
from infra_assets.settings import Settings
from infra_assets.stacks.masking import Masker

LOG = logging.getLogger(__name__)
TIMEOUT_S = 5.0
TRIES = 2
PAUSE_S = 0.5
# Those of the clients', which write addresses and answers.
CLIENT_LOGGERS = ("httpx", "slack_sdk.web.base_client", "slack_sdk.web.slack_response")


_going: dict[tuple[Path, Channel], Future[Delivery]] = {}
"""What this process has sent last to a channel of a home: one that has not come back gets nothing else meanwhile, so that a channel that
hangs costs a thread and not one for each announcement."""


class Notifier:
    """Tells people."""

    def __init__(self, settings: Settings, *, timeout_s: float = TIMEOUT_S) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._masker = masker(settings)

    @property
    def channels(self) -> list[Channel]:
        """The channels that are set up."""
        return [channel for channel in CHANNELS if _is_set_up(self._settings, channel)]

    def send(self, announcement: Announcement, channels: Collection[str] | None = None) -> list[Delivery]:
        """Send to all channels, or to some, and return what came of each. Takes at most about twice the timeout, whatever they do."""
        wanted: list[Channel] = self.channels if channels is None else [channel for channel in CHANNELS if channel in channels]
        under_way: dict[Channel, Future[Delivery] | None] = {channel: self._start(channel, announcement) for channel in wanted}
        wait([future for future in under_way.values() if future], timeout=TRIES * self._timeout_s + 2 * PAUSE_S)
        deliveries = [self._delivery(channel, future) for channel, future in under_way.items()]
        for delivery in deliveries:
            if not delivery.ok:
                what = f"{announcement.kind} of rollout {announcement.rollout_id}"
                LOG.warning("%s did not take the announcement %s: %s", delivery.channel, what, delivery.error)
        return deliveries

    def _start(self, channel: Channel, announcement: Announcement) -> Future[Delivery] | None:
        """Start a delivery; returns None where the last one still goes on."""
        key = self._settings.home, channel
        going = _going.get(key)
        if going and not going.done():
            return None
        future = _going[key] = Future[Delivery]()
        # Not of a pool: the process does not wait for its end.
        Thread(target=lambda: future.set_result(self._deliver(channel, announcement)), name=f"notify-{channel}", daemon=True).start()
        return future

    def _delivery(self, channel: Channel, future: Future[Delivery] | None) -> Delivery:
        if future is None:
            return Delivery(channel, ok=False, error="an earlier announcement is still on its way")
        return future.result() if future.done() else Delivery(channel, ok=False, error="it is still on its way")

    def _deliver(self, channel: Channel, announcement: Announcement) -> Delivery:
        if channel not in self.channels:
            return Delivery(channel, ok=False, error="is not set up")
        try:
            with _masked_logs(self._masker):
                self._try(channel, announcement)
        except DeliveryError as error:
            return Delivery(channel, ok=False, error=self._masker.text(str(error)))
        except Exception as error:  # noqa: BLE001  # whatever a client's library raises, no rollout fails by it
            return Delivery(channel, ok=False, error=self._masker.text(f"{type(error).__name__}: {error}"))
        return Delivery(channel, ok=True)

    def _try(self, channel: Channel, announcement: Announcement) -> None:
        # The clients are imported here: they would hold up whoever loads the code location.
        send = importlib.import_module(f"infra_assets.orchestration.notifications.{channel}").send
        again = retry_if_exception(lambda error: isinstance(error, DeliveryError) and error.again)
        retrying = Retrying(stop=stop_after_attempt(TRIES), wait=wait_fixed(PAUSE_S), retry=again, reraise=True)
        retrying(send, self._settings, announcement, self._timeout_s)


def problems(settings: Settings) -> Iterator[str]:
    """Yield what is wrong with how notifications are set up."""
    if bool(settings.slack_token) != bool(settings.slack_channel):
        yield "INFRA_SLACK_TOKEN and INFRA_SLACK_CHANNEL belong together: nothing is told on Slack"
    if settings.notify_secret and not settings.notify_url:
        yield "INFRA_NOTIFY_SECRET without INFRA_NOTIFY_URL: nothing is posted"
    urls = {"SLACK_URL": settings.slack_url, "PAGERDUTY_URL": settings.pagerduty_url, "NOTIFY_URL": _clear(settings.notify_url)}
    for name, url in urls.items():
        if url and not url.startswith(("http://", "https://")):
            yield f"INFRA_{name} is no address: it begins with neither https:// nor http://"


def _is_set_up(settings: Settings, channel: Channel) -> bool:
    match channel:
        case "slack":
            return bool(settings.slack_token and settings.slack_channel)
        case "pagerduty":
            return bool(settings.pagerduty_key)
        case "webhook":
            return bool(settings.notify_url)


def _clear(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


@contextmanager
def _masked_logs(known: Masker) -> Generator[None]:
    """Mask what the clients log meanwhile, at whatever level."""

    def mask(record: logging.LogRecord) -> bool:
        record.msg, record.args = known.text(record.getMessage()), None
        record.exc_info = None
        return True

    loggers = [logging.getLogger(name) for name in CLIENT_LOGGERS]
    for logger in loggers:
        logger.addFilter(mask)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(mask)
