"""An announcement as a message in a Slack channel."""

from http import HTTPStatus
from http.client import HTTPException
from urllib.error import URLError

from dagster_slack import SlackResource
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from infra_assets.orchestration.notifications.delivery import DeliveryError, check, no_answer
from infra_assets.rollouts.announcements import Announcement, as_slack_blocks, as_slack_text
from infra_assets.settings import Settings


def send(settings: Settings, announcement: Announcement, timeout_s: float) -> None:
    """Post it.

    Raises:
        DeliveryError: Slack does not answer, or says no.
    """
    try:
        _client(settings, timeout_s).chat_postMessage(  # pyright: ignore[reportUnknownMemberType]  # its further arguments have no type
            channel=settings.slack_channel or "",
            text=as_slack_text(announcement),
            blocks=as_slack_blocks(announcement),
            unfurl_links=False,
            unfurl_media=False,
        )
    except SlackApiError as error:
        raise _refusal(error) from None
    except (OSError, HTTPException, SlackClientError) as error:
        raise _unreachable(error, timeout_s) from None


def _client(settings: Settings, timeout_s: float) -> WebClient:
    assert settings.slack_token
    client = SlackResource(token=settings.slack_token.get_secret_value()).get_client()
    client.timeout = max(1, round(timeout_s))
    client.retry_handlers = []
    if settings.slack_url:
        client.base_url = f"{settings.slack_url.rstrip('/')}/"
    return client


def _refusal(error: SlackApiError) -> DeliveryError:
    """Return what an answer means: `{"ok": false, "error": "invalid_auth"}`, or no answer of Slack's at all."""
    status = int(error.response.status_code)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  # it has no type
    try:
        check(status)
    except DeliveryError as refused:
        return refused
    said = str(error.response["error"])  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return DeliveryError(said if said.isidentifier() else f"HTTP {HTTPStatus.OK} with something that is no answer of Slack's")


def _unreachable(error: Exception, timeout_s: float) -> DeliveryError:
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return DeliveryError(no_answer(timeout_s))
    return DeliveryError(f"cannot be reached ({type(cause).__name__})", again=isinstance(error, URLError))
