"""Kong 3.9's fields of each plugin's `config`. Names, types and bounds are those of its Lua schemas.

The public JSON schema accepts anything inside a plugin's `config`, where most mistakes are made; `kong config parse` finds them, and it
needs Kong.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Milliseconds = Annotated[int, Field(ge=1, le=2**31 - 2)]
Port = Annotated[int, Field(ge=0, le=65_535)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
Method = Annotated[str, Field(pattern=r"^[A-Z]+$")]
Lua = Annotated[str, Field(min_length=1)]
Rate = Annotated[float, Field(gt=0)]


class Fields(BaseModel):
    """Unknown names are mistakes, and a number is no string."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Jwt(Fields):
    """jwt: `kid` is looked for in the payload, then in the header; nothing but exp and nbf is verified beside the signature."""

    uri_param_names: list[str] = ["jwt"]
    cookie_names: list[str] = []
    header_names: list[HeaderName] = ["authorization"]
    key_claim_name: str = "iss"
    claims_to_verify: list[Literal["exp", "nbf"]] = []
    maximum_expiration: float = Field(0, ge=0, le=31_536_000)
    secret_is_base64: bool = False
    anonymous: str | None = None
    run_on_preflight: bool = True
    realm: str | None = None

    @model_validator(mode="after")
    def _expires(self) -> Self:
        if self.maximum_expiration and "exp" not in self.claims_to_verify:
            raise ValueError("maximum_expiration needs exp among claims_to_verify")
        return self


class Redis(Fields):
    """The nested record of 3.6 and later; the flat names go in 4.0."""

    host: Host
    port: Port = 6379
    timeout: Milliseconds = 2_000
    username: str | None = None
    password: str | None = None
    database: int = 0
    ssl: bool = False
    ssl_verify: bool = False
    server_name: str | None = None


class RateLimiting(Fields):
    """rate-limiting: `cluster` is not to be had without a database."""

    second: Rate | None = None
    minute: Rate | None = None
    hour: Rate | None = None
    day: Rate | None = None
    month: Rate | None = None
    year: Rate | None = None
    limit_by: Literal["consumer", "credential", "ip", "service", "header", "path"] = "consumer"
    header_name: HeaderName | None = None
    path: str | None = None
    policy: Literal["local", "redis"] = "local"
    fault_tolerant: bool = True
    redis: Redis | None = None
    hide_client_headers: bool = False
    error_code: int = Field(429, gt=0)
    error_message: str = "API rate limit exceeded"
    sync_rate: float = -1

    @model_validator(mode="after")
    def _complete(self) -> Self:
        rates = [rate for rate in (self.second, self.minute, self.hour, self.day, self.month, self.year) if rate is not None]
        if not rates or rates != sorted(rates):
            raise ValueError("at least one limit is needed, and a longer period may not allow less than a shorter one")
        if self.policy == "redis" and self.redis is None:
            raise ValueError("the policy redis needs the record redis")
        if self.limit_by == "header" and self.header_name is None:
            raise ValueError("limit_by header needs header_name")
        if self.limit_by == "path" and self.path is None:
            raise ValueError("limit_by path needs path")
        return self


class Cors(Fields):
    """cors: without `origins` it answers `*`."""

    origins: list[str] = Field(min_length=1)
    methods: list[Literal["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT"]] = []
    headers: list[str] = []
    exposed_headers: list[str] = []
    credentials: bool = False
    max_age: float | None = None
    preflight_continue: bool = False
    private_network: bool = False


class CorrelationId(Fields):
    """correlation-id."""

    header_name: HeaderName = "Kong-Request-ID"
    generator: Literal["uuid", "uuid#counter", "tracker"] = "uuid#counter"
    echo_downstream: bool = False


class RequestSizeLimiting(Fields):
    """request-size-limiting."""

    allowed_payload_size: int = 128
    size_unit: Literal["megabytes", "kilobytes", "bytes"] = "megabytes"
    require_content_length: bool = False


class Prometheus(Fields):
    """prometheus: every group is off unless asked for."""

    per_consumer: bool = False
    status_code_metrics: bool = False
    ai_metrics: bool = False
    latency_metrics: bool = False
    bandwidth_metrics: bool = False
    upstream_health_metrics: bool = False


_Format = Literal["preserve", "b3", "b3-single", "w3c", "jaeger", "ot", "aws", "gcp", "datadog"]


class Propagation(Fields):
    """How a trace's id travels."""

    extract: list[_Format] = []
    clear: list[str] = []
    inject: list[_Format] = []
    default_format: _Format = "w3c"


class Queue(Fields):
    """Spans on their way."""

    max_batch_size: int = Field(200, ge=1, le=1_000_000)
    max_coalescing_delay: float = Field(1, ge=0, le=3_600)
    max_entries: int = Field(10_000, ge=1, le=1_000_000)
    max_bytes: int | None = None
    max_retry_time: float = 60
    initial_retry_delay: float = 0.01
    max_retry_delay: float = 60
    concurrency_limit: Literal[-1, 1] = 1


class OpenTelemetry(Fields):
    """opentelemetry: `endpoint` and `header_type` are deprecated names."""

    traces_endpoint: str | None = Field(None, pattern=r"^https?://")
    logs_endpoint: str | None = Field(None, pattern=r"^https?://")
    headers: dict[HeaderName, str] = {}
    resource_attributes: dict[str, str] = {}
    queue: Queue = Queue()
    connect_timeout: Milliseconds = 1_000
    send_timeout: Milliseconds = 5_000
    read_timeout: Milliseconds = 5_000
    http_response_header_for_traceid: str | None = None
    sampling_rate: float | None = Field(None, ge=0, le=1)
    propagation: Propagation = Propagation()

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.traces_endpoint is None and self.logs_endpoint is None:
            raise ValueError("traces_endpoint or logs_endpoint is needed")
        return self


class _Parts(Fields):
    body: list[str] = []
    headers: list[str] = []
    querystring: list[str] = []


class _PartsAndUri(_Parts):
    uri: str | None = Field(None, pattern="^/")


class RequestTransformer(Fields):
    """request-transformer: `replace.uri` is a template, with the route's groups as `uri_captures`."""

    http_method: Method | None = None
    remove: _Parts = _Parts()
    rename: _Parts = _Parts()
    replace: _PartsAndUri = _PartsAndUri()
    add: _Parts = _Parts()
    append: _Parts = _Parts()


class RequestTermination(Fields):
    """request-termination."""

    status_code: int = Field(503, ge=100, le=599)
    message: str | None = None
    content_type: str | None = None
    body: str | None = None
    echo: bool = False
    trigger: HeaderName | None = None

    @model_validator(mode="after")
    def _one_answer(self) -> Self:
        if (self.message and (self.body or self.content_type)) or (self.content_type and not self.body):
            raise ValueError("message excludes body, and content_type needs body")
        return self


class Functions(Fields):
    """pre-function and post-function: Lua by phase."""

    certificate: list[Lua] = []
    rewrite: list[Lua] = []
    access: list[Lua] = []
    header_filter: list[Lua] = []
    body_filter: list[Lua] = []
    log: list[Lua] = []

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not any((self.certificate, self.rewrite, self.access, self.header_filter, self.body_filter, self.log)):
            raise ValueError("a phase is needed")
        return self


PLUGINS: dict[str, type[Fields]] = {
    "jwt": Jwt,
    "rate-limiting": RateLimiting,
    "cors": Cors,
    "correlation-id": CorrelationId,
    "request-size-limiting": RequestSizeLimiting,
    "prometheus": Prometheus,
    "opentelemetry": OpenTelemetry,
    "request-transformer": RequestTransformer,
    "request-termination": RequestTermination,
    "pre-function": Functions,
    "post-function": Functions,
}
"""Of the open-source edition, and only those that we use."""
