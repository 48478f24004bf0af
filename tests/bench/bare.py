"""The baseline of every HTTP figure: one JSON route of Starlette on uvicorn, and nothing else. `python bare.py <port>`"""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

PATH = "/api/v1/trivial"


async def trivial(_: Request) -> JSONResponse:
    """Answers the same JSON as the route that R3 measures."""
    return JSONResponse({"hello": "world"})


if __name__ == "__main__":
    uvicorn.run(
        Starlette(routes=[Route(PATH, trivial)]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_level="error",
        access_log=False,
    )
