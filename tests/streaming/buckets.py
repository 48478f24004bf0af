"""An S3 server with a bucket, for what is stored in one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from chassis.settings import ObjectsSettings

BUCKET = "exports"


@contextmanager
def bucket_server() -> Iterator[str]:
    """Yields the server's address."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    s3_client(address).create_bucket(Bucket=BUCKET)
    try:
        yield address
    finally:
        server.stop()


def s3_client(address: str) -> Any:
    """Returns a client that is not ours."""
    own = {"region_name": "us-east-1", "aws_access_key_id": "id", "aws_secret_access_key": "key"}
    return boto3.client("s3", endpoint_url=address, config=Config(proxies={}), **own)


def on_s3(address: str) -> ObjectsSettings:
    """Returns the settings of an object store in the bucket, below a prefix."""
    keys = {"s3_access_key_id": SecretStr("id"), "s3_secret_access_key": SecretStr("key")}
    return ObjectsSettings(url=f"s3://{BUCKET}/city", s3_endpoint=address, timeout_s=60, **keys)
