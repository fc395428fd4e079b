"""Settings of the control plane: environment variables `INFRA_…`, each with a default that makes the sandbox work.

Read once per process by `load()`; the folder is found from the working directory, so that `infra` works from anywhere inside a checkout.
"""

import os
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from infra_assets.errors import UsageError

MARKER = "workspace.yaml"


class Settings(BaseSettings):
    """Every setting, documented. `INFRA_CAP=25` sets `cap`, and so on."""

    model_config = SettingsConfigDict(env_prefix="INFRA_", frozen=True, extra="ignore")

    root: Path = Field(description="The project's folder: workspace.yaml, pulumi_programs and dagster_home stand in it.")
    home: Path = Field(description="DAGSTER_HOME: dagster.yaml, Dagster's and our own databases, the sandbox. Default: ROOT/dagster_home.")
    cache_dir: Path = Field(description="Where the engine and the provider are kept once they are downloaded or built.")
    cloud: Literal["sandbox", "aws"] = Field("sandbox", description="sandbox: the embedded emulator. aws: the real thing.")
    provider: Literal["auto", "official", "built"] = Field(
        "auto", description="Which engine and AWS provider: auto takes the first that can be had, official or built forces one."
    )
    targets: Path = Field(
        description="Which branch deploys to which TEPs, and how. Default: ROOT/targets.yaml; without the file none does."
    )
    cap: int = Field(5, ge=0, description="Deployments at once, over all triggers. 5, 25 and 150 are Pulumi's plans; 0 freezes.")
    state_backend: str = Field(description="Pulumi's state: file:///… or s3://bucket?region=…. Default: a folder in HOME/sandbox.")
    passphrase: SecretStr | None = Field(None, description="Encrypts secrets in the state. Default: a generated one in HOME/sandbox.")
    database_url: str = Field(description="Fleet and ledger, as a SQLAlchemy URL. Default: SQLite in HOME.")
    dagster_url: str | None = Field(None, description="A Dagster webserver that runs elsewhere. Default: the one that infra started here.")
    aws_access_key_id: SecretStr | None = Field(None, description="The operations account's key, from which tenants' roles are assumed.")
    aws_secret_access_key: SecretStr | None = Field(None, description="Belongs to INFRA_AWS_ACCESS_KEY_ID.")
    aws_session_token: SecretStr | None = Field(None, description="Where the key above is a short-lived one.")
    operations_account: str = Field("123456789012", pattern=r"^\d{12}$", description="The account id of Organizations' management.")
    account_email: str = Field(
        "aws+{tep}@example.com", pattern=r"\{tep\}", description="The address of a new AWS account's owner; {tep} is the TEP's name."
    )
    environments: str = Field(
        "store,environments",
        description="Where environments come from, the first that has one wins: store (the database), a folder (below ROOT), "
        "git:REPOSITORY#REF[:FOLDER], pulumi:ORGANIZATION[@URL].",
    )
    environments_access: Path | None = Field(
        None, description="Which environment may import which. Default: access.yaml of the first folder or commit that has one."
    )
    seal_key: SecretStr | None = Field(None, description="Key of sealed secrets in environments, base64 (infra env key makes one).")
    seal_key_file: Path | None = Field(
        None, description="A file of such keys, one a line: the first seals, all open. Default: environments/demo.key, which is no secret."
    )
    seal_kms_key: str | None = Field(None, description="Instead of a key of our own: the ARN of a KMS key of the operations account.")
    pulumi_access_token: SecretStr | None = Field(None, description="For environments of Pulumi Cloud.")
    oidc_token_file: Path | None = Field(None, description="Where aws-login with oidc finds the token that this host's issuer wrote.")
    git_interval_s: int = Field(30, ge=1, description="Seconds between two looks at the targets' branches.")
    environments_interval_s: int = Field(10, ge=1, description="Seconds between two looks at the environments.")
    health_timeout_s: int = Field(300, ge=0, description="Seconds that a stack gets to become healthy after it was deployed.")
    operation_timeout_s: int = Field(3600, gt=0, description="Seconds after which one Pulumi operation is cancelled gracefully.")
    check_timeout_s: int = Field(600, gt=0, description="Seconds after which the preview of one stack is cancelled.")
    grace_s: int = Field(120, gt=0, description="Seconds that a cancelled operation gets to finish the resource it is at.")
    check_share: float = Field(
        0.5, gt=0, le=1, description="Which part of INFRA_CAP previews and drift checks may use together, at least one."
    )
    drift_cron: str = Field("0 2 * * *", description="When drift is looked for every night, as cron has it; empty: never by itself.")
    drift_zone: str = Field("UTC", description="The time zone of INFRA_DRIFT_CRON: Europe/Berlin.")
    drift_jitter_s: int = Field(900, ge=0, description="Seconds over which the accounts' checks of a night are spread.")
    drift_except: str = Field("", description="Environments that are left out every night: globs, with commas: dev,test.")
    drift_repair: str = Field(
        "", description="Environments in which drift of low risk is repaired by itself: globs, with commas. Empty: none."
    )
    reports: str = Field(
        "", description="Where reports are kept: file:///folder or s3://bucket/prefix?region=REGION. Default: HOME/reports."
    )
    reports_days: int = Field(30, ge=1, description="Days for which reports, and what checks have found, are kept.")
    slack_token: SecretStr | None = Field(None, description="A bot's token (chat:write): what happens to rollouts is told on Slack.")
    slack_channel: str | None = Field(None, description="The channel that it is told in: #deployments, or a channel's id.")
    slack_url: str | None = Field(None, description="Another address of Slack's API, a proxy say. Default: https://slack.com/api/.")
    pagerduty_key: SecretStr | None = Field(
        None, description="An integration's key (Events API v2): halted and failed rollouts open an incident, their good end resolves it."
    )
    pagerduty_url: str | None = Field(
        None,
        description="Another address of PagerDuty's events. Default: https://events.pagerduty.com; in Europe https://events.eu.pagerduty.com.",
    )
    notify_url: SecretStr | None = Field(None, description="Where what happens to rollouts is posted as JSON.")
    notify_secret: SecretStr | None = Field(None, description="Signs what is posted there: X-Infra-Signature, HMAC-SHA256.")
    public_url: str | None = Field(None, description="How people reach Dagster's UI, for links in notifications.")
    webhook_secret: SecretStr | None = Field(
        None, description="What GitHub, GitLab and Pulumi Cloud sign their webhooks with. Where it is set, webhooks are received."
    )
    webhook_port: int = Field(0, ge=0, le=65535, description="The loopback port that webhooks are received on; 0 chooses a free one.")

    @property
    def reports_url(self) -> str:
        """Where reports are kept."""
        return self.reports or (self.home / "reports").as_uri()


def find_root(start: Path) -> Path:
    """Return the project's folder: the nearest one at or above `start` that holds workspace.yaml.

    Raises:
        UsageError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / MARKER).is_file():
            return folder
    raise UsageError(
        f"no {MARKER} in {start} or above it",
        remedy="Run infra inside a checkout of the project, or set INFRA_ROOT to one.",
    )


@cache
def load() -> Settings:
    """Return the settings of this process.

    Raises:
        UsageError: a variable holds what its setting does not take, or no project folder was found.
    """
    from pydantic import ValidationError

    root = Path(os.environ["INFRA_ROOT"]).resolve() if "INFRA_ROOT" in os.environ else find_root(Path.cwd().resolve())
    home = Path(os.environ.get("INFRA_HOME") or root / "dagster_home").resolve()
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    defaults = {
        "root": root,
        "home": home,
        "cache_dir": cache_home / "infra-assets",
        "targets": root / "targets.yaml",
        "state_backend": (home / "sandbox" / "state").as_uri(),
        "database_url": f"sqlite:///{home / 'infra.db'}",
    }
    given = {name: value for name, value in defaults.items() if f"INFRA_{name.upper()}" not in os.environ}
    try:
        return Settings(**given)  # pyright: ignore[reportArgumentType]  # one dict of differently typed defaults
    except ValidationError as error:
        places = "; ".join(f"INFRA_{'_'.join(str(part) for part in item['loc']).upper()}: {item['msg']}" for item in error.errors())
        raise UsageError(f"settings: {places}", remedy="docs/operating.md lists every setting with its meaning.") from None
