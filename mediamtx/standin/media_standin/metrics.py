"""Metrics under MediaMTX's names: no prefix, no HELP, one sample of zero for a family without members."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from media_standin import web
from media_standin.auth import Authorizer
from media_standin.options import Options
from media_standin.paths import PathManager
from media_standin.views import Kind, path_view

_RTP_IN = ("inboundRTPPackets", "inboundRTPPacketsLost", "inboundRTPPacketsJitter", "inboundRTCPPackets")
_RTSP = ("inboundRTPPacketsInError", "inboundRTCPPacketsInError", "outboundRTPPacketsReportedLost", "outboundRTPPacketsDiscarded")
_RTP = ("inboundBytes", *_RTP_IN, "outboundBytes", "outboundRTPPackets", "outboundRTCPPackets")
_WHO = ("id", "path", "remoteAddr")
_FAMILIES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "hlssessions": ("hls_sessions", _WHO, ("outboundBytes",)),
    "hlsmuxers": ("hls_muxers", ("path",), ("outboundBytes", "outboundFramesDiscarded", "bytesSent")),
    "rtspconns": ("rtsp_conns", ("id",), ("inboundBytes", "outboundBytes", "bytesReceived", "bytesSent")),
    "rtspsessions": ("rtsp_sessions", (*_WHO, "state"), (*_RTP, *_RTSP)),
    "webrtcsessions": ("webrtc_sessions", (*_WHO, "state"), (*_RTP, "outboundFramesDiscarded")),
}
"""Prefix, labels and values of each kind; the values are the control API's fields in snake case."""
_PATH_VALUES = ("inboundBytes", "outboundBytes", "inboundFramesInError", "bytesReceived", "bytesSent")


class MetricsServer:
    """`/metrics`."""

    def __init__(self, options: Options, authorizer: Authorizer, paths: PathManager, kinds: Mapping[str, Kind]) -> None:
        self._options = options
        self._authorizer = authorizer
        self._paths = paths
        self._kinds = kinds

    def application(self) -> ASGIApp:
        """The ASGI application."""
        return web.application([Route("/metrics", self._metrics, methods=["GET"])], self._options["metricsAllowOrigins"])

    async def _metrics(self, request: Request) -> Response:
        refusal = await self._authorizer.refusal(request, "metrics", self._options["metricsTrustedProxies"])
        if refusal:
            return refusal
        lines = _path_lines([path_view(path) for path in await self._paths.all()])
        for name, kind in self._kinds.items():
            prefix, labels, values = _FAMILIES[name]
            lines += _lines(prefix, kind.items(), labels, values)
        return PlainTextResponse("\n".join([*lines, ""]))


def _path_lines(paths: Sequence[Mapping[str, Any]]) -> list[str]:
    if not paths:
        return ["paths 0", "paths_readers 0", *(f"paths_{_snake(field)} 0" for field in _PATH_VALUES)]
    lines: list[str] = []
    for path in paths:
        labels = {"name": path["name"], "state": "ready" if path["available"] else "notReady"}
        lines.append(_sample("paths", labels, 1))
        kinds = [reader["type"] for reader in path["readers"]]
        lines += [_sample("paths_readers", {**labels, "readerType": kind}, kinds.count(kind)) for kind in sorted(set(kinds)) or [""]]
        lines += [_sample(f"paths_{_snake(field)}", labels, path[field]) for field in _PATH_VALUES]
    return lines


def _lines(prefix: str, items: Sequence[Mapping[str, Any]], labels: Sequence[str], values: Sequence[str]) -> list[str]:
    if not items:
        return [f"{prefix} 0", *(f"{prefix}_{_snake(field)} 0" for field in values)]
    lines: list[str] = []
    for item in items:
        names = {"name" if prefix == "hls_muxers" else label: item[label] for label in labels}
        lines.append(_sample(prefix, names, 1))
        lines += [_sample(f"{prefix}_{_snake(field)}", names, item[field]) for field in values]
    return lines


def _sample(name: str, labels: Mapping[str, Any], value: float) -> str:
    text = ",".join(f'{label}="{_escaped(str(labels[label]))}"' for label in sorted(labels))
    return f"{name}{{{text}}} {value:g}" if isinstance(value, float) else f"{name}{{{text}}} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _snake(field: str) -> str:
    return re.sub(r"(RTCP|RTP|[A-Z])", r"_\1", field).lower()
