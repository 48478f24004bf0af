"""The shell around every process: two ports, lifespan, loops with heartbeats, health, documentation, graceful end.

    service = create_app(settings, title="Cameras", lifespan_parts=[lambda: auth, lambda: db], routers=[router],
                         readiness={"postgres": db.check}, loops={"outbox": relay.run}, provides=[auth.authenticator, cameras])
    run(service)

Routers are mounted as they are: their own prefix says `/api/v1/...` (or `/ws/v1/...`). Everything on the private port is internal.
What a route asks for by `chassis.http.Provided` is given as `provides`.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import uvicorn
import uvloop
from fastapi import APIRouter, FastAPI

from chassis import documentation, http, logs, metrics, tracing
from chassis.health import Check, Heartbeats, health_router
from chassis.loops import Loop
from chassis.settings import ServiceSettings
from gtvision.backoff import Backoff

log = logs.get_logger("chassis.service")

AsyncContextManagerFactory = Callable[[], AbstractAsyncContextManager[Any]]

_OFF: Any = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}
"""FastAPI's own telemetry: the span is opened by `chassis.http`, and only for a sampled request."""
_UNTAKEN_AT_MOST_MS = 30_000


class Worker:
    """A process without an API: loops, and the private port that tells of them."""

    def __init__(
        self, settings: ServiceSettings, *, title: str, lifespan_parts: Sequence[AsyncContextManagerFactory], loops: Mapping[str, Loop]
    ) -> None:
        self.settings = settings
        self.heartbeats = Heartbeats()
        self.private = _fastapi(settings, f"{title} (private)")
        self._parts = tuple(lifespan_parts)
        self._loops = dict(loops)
        self.is_started = False
        """Whether all parts are up; readiness says no before and while ending."""

    @asynccontextmanager
    async def started(self) -> AsyncIterator[None]:
        """Everything but the ports: parts are entered in order, then the loops run. Tests use this with an ASGI transport."""
        async with AsyncExitStack() as stack:
            for part in self._parts:
                await stack.enter_async_context(part())
            tasks = [asyncio.create_task(self._supervise(name, loop), name=name) for name, loop in self._loops.items()]
            stack.push_async_callback(self._end, tasks)
            self.is_started = True
            yield

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        self.is_started = False
        for task in tasks:
            task.cancel()
        if tasks:
            _, pending = await asyncio.wait(tasks, timeout=self.settings.shutdown_grace_s)
            if pending:
                log.warning("loops_still_running", loops=sorted(each.get_name() for each in pending))

    async def _supervise(self, name: str, loop: Loop) -> None:
        """Starts a loop that fails again. A cancellation counts as an end only when this task itself was cancelled: a frozen broker ends
        a publish in a stray CancelledError, which would otherwise end the loop without a word."""
        task = asyncio.current_task()
        backoff = Backoff(timedelta(seconds=0.5), timedelta(seconds=30), well=timedelta(minutes=1))
        while True:
            heartbeat = self.heartbeats.register(name)
            began = asyncio.get_running_loop().time()
            try:
                await loop(heartbeat)
                log.warning("loop_ended", loop=name)
            except asyncio.CancelledError:
                if task is None or task.cancelling():
                    self.heartbeats.remove(name)
                    raise
                log.error("loop_cancelled_from_inside", loop=name)
            except Exception:
                log.exception("loop_failed", loop=name)
                if task is not None and task.cancelling():
                    self.heartbeats.remove(name)
                    return
            metrics.LOOP_FAILURES.labels(name).inc()
            await heartbeat.sleep(backoff.wait_s(asyncio.get_running_loop().time() - began))


class Service(Worker):
    """A process with an API."""

    def __init__(
        self, settings: ServiceSettings, *, title: str, lifespan_parts: Sequence[AsyncContextManagerFactory], loops: Mapping[str, Loop]
    ) -> None:
        super().__init__(settings, title=title, lifespan_parts=lifespan_parts, loops=loops)
        self.api = _fastapi(settings, title)


def _fastapi(settings: ServiceSettings, title: str) -> FastAPI:
    app = FastAPI(title=title, version="1", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, telemetry=_OFF)
    http.install(app, max_body_bytes=settings.http_max_body_bytes)
    app.state.service_name = settings.service_name
    return app


def create_app(  # noqa: PLR0913 - the one list of what a service is made of
    settings: ServiceSettings,
    *,
    title: str,
    lifespan_parts: Sequence[AsyncContextManagerFactory],
    routers: Sequence[APIRouter],
    private_routers: Sequence[APIRouter] = (),
    readiness: Mapping[str, Check] | None = None,
    asyncapi: Callable[[], dict[str, Any]] | None = None,
    loops: Mapping[str, Loop] | None = None,
    provides: Sequence[object] = (),
) -> Service:
    """Returns a service with its API and its private port. Nothing runs yet."""
    service = Service(settings, title=title, lifespan_parts=lifespan_parts, loops=loops or {})
    _mount(service.private, (_health(service, readiness or {}), *private_routers), provides)
    _mount(service.api, (*routers, documentation.router(service.api, settings.service_name, asyncapi)), provides)
    http.refuse_unknown_parameters(service.api)
    return service


def create_worker(  # noqa: PLR0913 - as `create_app`
    settings: ServiceSettings,
    *,
    title: str,
    lifespan_parts: Sequence[AsyncContextManagerFactory],
    loops: Mapping[str, Loop],
    private_routers: Sequence[APIRouter] = (),
    readiness: Mapping[str, Check] | None = None,
    provides: Sequence[object] = (),
) -> Worker:
    """Returns a process without an API. Nothing runs yet."""
    worker = Worker(settings, title=title, lifespan_parts=lifespan_parts, loops=loops)
    _mount(worker.private, (_health(worker, readiness or {}), *private_routers), provides)
    return worker


def _health(worker: Worker, readiness: Mapping[str, Check]) -> APIRouter:
    return health_router(worker.settings.service_name, worker.heartbeats, readiness, lambda: worker.is_started)


def _mount(app: FastAPI, routers: Sequence[APIRouter], provides: Sequence[object]) -> None:
    for router in routers:
        app.include_router(router)
    http.provide(app, provides)
    http.check_provided(app, routers)


# --- running -----------------------------------------------------------------------------------------------------------


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: two servers share this process, and `run` listens for both."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(service: Worker) -> None:
    """Serves until SIGTERM or SIGINT, then lets requests and loops end. Returns afterwards; raises what kept it from starting."""
    settings = service.settings
    logs.configure(settings.service_name, settings.log_level, settings.log_format, final=True)
    tracing.configure(settings.service_name, settings.trace_sample_ratio, settings.otel_exporter_otlp_endpoint)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(service))
    finally:
        tracing.shutdown()


async def serve(service: Worker, stop: asyncio.Event | None = None) -> None:
    """Serves until a signal or `stop`. The private port answers first and last: it says 'not ready' in between."""
    stopping, settings = stop or asyncio.Event(), service.settings
    private = _Listening(service.private, settings, settings.private_port)
    with _signals(stopping):
        async with private, service.started(), AsyncExitStack() as stack:
            listening = [private]
            if isinstance(service, Service):
                listening.append(await stack.enter_async_context(_Listening(service.api, settings, settings.http_port)))
            log.info("serving", ports=[each.port for each in listening])
            await _first(stopping, listening)
            log.info("stopping")


@contextmanager
def _signals(stopping: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


class _Listening:
    """One uvicorn server on one port, as a context: entered when it accepts, left when its requests have ended."""

    def __init__(self, app: FastAPI, settings: ServiceSettings, port: int) -> None:
        self._app, self._settings = app, settings
        self._socket = socket.create_server((settings.http_host, port), backlog=2_048)
        # A peer that takes no bytes for so long is cut off by the kernel: a WebSocket that was closed for slowness would linger.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNTAKEN_AT_MOST_MS)
        self.port: int = self._socket.getsockname()[1]
        self.task: asyncio.Task[None] | None = None
        self._server = _Server(
            uvicorn.Config(
                app,
                loop="none",
                http="httptools",
                ws="websockets-sansio",
                ws_max_size=65_536,  # before anything of ours can look at it
                ws_per_message_deflate=False,  # a third of the fan-out's speed, and memory for each socket
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=True,
                forwarded_allow_ips=[str(network) for network in settings.trusted_proxies],
                timeout_graceful_shutdown=max(1, round(settings.shutdown_grace_s)),
                timeout_keep_alive=75,
            )
        )

    async def __aenter__(self) -> _Listening:
        self.task = asyncio.create_task(self._server.serve(sockets=[self._socket]), name=f"port {self.port}")
        while not self._server.started:
            if self.task.done():
                self.task.result()
                raise RuntimeError(f"the server on port {self.port} ended before it began")
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.task is not None
        self._server.should_exit = True
        await asyncio.wait([self.task])
        self._socket.close()


async def _first(stopping: asyncio.Event, servers: Sequence[_Listening]) -> None:
    """Waits for the stop, or for a server that ended by itself."""
    stop = asyncio.ensure_future(stopping.wait())
    tasks = [server.task for server in servers if server.task is not None]
    await asyncio.wait([stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
