"""Where the programs' repository is, and which ones may be fetched: two keys of `targets.yaml`."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from infra_assets.programs.document import Document


class Location(BaseModel):
    """The keys `programs` and `allow`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    programs: str = Field(default=".", min_length=1, repr=False, description="Path (below ROOT) or URL of the programs' repository.")
    allow: tuple[str, ...] = Field(default=(), description="Which URLs and paths may be fetched, as globs; a path inside ROOT always may.")


def load_location(path: Path) -> Location:
    """Return where the programs are; without a file, or without the keys, they are in ROOT.

    Raises:
        UsageError: the file cannot be read, or says something else there.
    """
    return Document(path).validate(Location)
