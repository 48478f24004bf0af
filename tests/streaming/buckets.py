"""Servers that speak S3, each with a bucket: MinIO where the machine has it, else moto's, which also knows cold storage."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import SecretStr
from tests.fixtures import needs

from chassis.settings import ObjectsSettings
from servers import free_port

BUCKET = "exports"
KEY_ID, SECRET = "owner-of-tests", "secret-of-tests"
PATIENCE_S = 60


class BucketServer:
    """A process of its own, on a port that it keeps. moto holds its objects in memory, MinIO in the folder."""

    def __init__(self, folder: Path, *, cold: bool = False) -> None:
        """`cold`: it knows the storage classes that are cold."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.program = None if cold else needs.minio()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        if self.program is not None:
            places = ["--certs-dir", f"{self._folder}/certificates", f"{self._folder}/objects"]
            argv = [self.program, "server", "--quiet", "--address", f"127.0.0.1:{self.port}", *places]
        own = {"MINIO_ROOT_USER": KEY_ID, "MINIO_ROOT_PASSWORD": SECRET, "MINIO_BROWSER": "off"}
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(argv, env=os.environ | own, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE_S
        while not self._makes_bucket():
            assert self._process.poll() is None, f"the store has ended: {(self._folder / 'server.log').read_text()}"
            assert time.monotonic() < deadline, "the store does not answer"
            time.sleep(0.1)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_S)

    def _makes_bucket(self) -> bool:
        try:
            s3_client(self.url).create_bucket(Bucket=BUCKET)
        except BotoCoreError:  # nobody listens yet
            return False
        except ClientError as error:  # it is there from before, or MinIO has just begun
            return bool(error.response["Error"]["Code"] == "BucketAlreadyOwnedByYou")
        return True


@contextmanager
def bucket_server(folder: Path, *, cold: bool = False) -> Iterator[BucketServer]:
    server = BucketServer(folder, cold=cold)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def s3_client(address: str) -> Any:
    """Returns a client that is not ours."""
    own = {"region_name": "us-east-1", "aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET}
    config = Config(proxies={}, retries={"total_max_attempts": 1}, read_timeout=PATIENCE_S)
    return boto3.client("s3", endpoint_url=address, config=config, **own)


def on_s3(address: str) -> ObjectsSettings:
    """Returns the settings of an object store in the bucket, below a prefix."""
    keys = {"s3_access_key_id": SecretStr(KEY_ID), "s3_secret_access_key": SecretStr(SECRET)}
    return ObjectsSettings(url=f"s3://{BUCKET}/city", s3_endpoint=address, timeout_s=60, **keys)


@asynccontextmanager
async def a_plain_store(*, spoils: bool = False, storage_class: str = "STANDARD") -> AsyncIterator[str]:
    """A store that never says `100 Continue`, and keeps what arrives with its headers, whatever the checksum among them.

    `spoils`: the last byte arrives changed.
    """
    kept: dict[str, tuple[bytes, dict[str, str]]] = {}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
                (method, path, _), headers = first.split(), {name.lower(): said for name, said in (line.split(": ", 1) for line in lines)}
                if method == "PUT":
                    data = await reader.readexactly(int(headers["content-length"]))
                    kept[path] = data[:-1] + b"?" if spoils else data, headers
                    said: list[str] = ["content-length: 0"]
                else:
                    data, headers = kept[path]
                    own = f"x-amz-meta-sha256: {headers['x-amz-meta-sha256']}", f"x-amz-storage-class: {storage_class}"
                    said = [f"content-length: {len(data)}", *own]
                writer.write("\r\n".join(["HTTP/1.1 200 OK", *said, "", ""]).encode())
                writer.write(kept[path][0] if method == "GET" else b"")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
