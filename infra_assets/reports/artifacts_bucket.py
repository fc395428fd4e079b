"""Reports in an S3 bucket."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from infra_assets.errors import InfraError

_MISSING = ("NoSuchBucket",)
_DENIED = ("AccessDenied", "AllAccessDisabled", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken")
_ELSEWHERE = ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301")


class Bucket:
    """Keeps files as objects below a prefix."""

    def __init__(self, bucket: str, prefix: str, client: Any) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._client = client

    def put(self, name: str, content: bytes, content_type: str) -> None:
        """Keep a file; S3 shows an object whole or not at all."""
        with self._told("written to"):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content, ContentType=content_type)

    def get(self, name: str) -> bytes | None:
        """Return a file's content, None if there is none."""
        with self._told("read"):
            try:
                return self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"].read()
            except self._client.exceptions.NoSuchKey:
                return None

    def list(self) -> list[tuple[str, datetime, int]]:
        """Return names, times of writing and sizes."""
        with self._told("listed"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            return [
                (item["Key"].removeprefix(self._prefix), item["LastModified"], item["Size"])
                for page in pages
                for item in page.get("Contents", ())
            ]

    def delete(self, name: str) -> None:
        """Delete a file; nothing where there is none."""
        with self._told("written to"):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    @contextmanager
    def _told(self, done: str) -> Generator[None]:
        """Make an error that a person understands of what AWS says."""
        from botocore.exceptions import BotoCoreError, ClientError

        place = f"reports in s3://{self._bucket}/{self._prefix}"
        try:
            yield
        except ClientError as error:
            response: Any = error.response
            said: dict[str, Any] = response.get("Error", {})
            code = str(said.get("Code", ""))
            raise InfraError(f"{place} cannot be {done}: {code}: {said.get('Message', '')}", remedy=self._remedy(code)) from None
        except BotoCoreError as error:
            raise InfraError(f"{place} cannot be reached: {error}", remedy="Check the region, and the way to AWS.") from None

    def _remedy(self, code: str) -> str:
        if code in _MISSING:
            return f"Create the bucket {self._bucket} in the operations account, or choose another."
        if code in _DENIED:
            actions = "s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject"
            return f"The operations account's key needs {actions} in {self._bucket}."
        if code in _ELSEWHERE:
            return f"The bucket is in another region: s3://{self._bucket}/…?region=REGION says which."
        return "Try again later."
