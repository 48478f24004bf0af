"""The edges' maps of cameras."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from chassis.logs import get_logger
from gtvision.camera import path_name
from gtvision.errors import Unavailable
from streaming import metrics
from streaming.streams.domain import DesiredCamera
from streaming.streams.ports import EdgeMap

log = get_logger(__name__)


class EdgeMaps:
    """Keeps every edge's map of cameras whole: at each change, and periodically, because an edge that restarts has lost its map."""

    def __init__(self, edges: Sequence[EdgeMap], node: str) -> None:
        """`node` is our media node; every camera is on it as long as there is one."""
        self._edges, self._node = edges, node
        self.wake = asyncio.Event()
        self._nodes: dict[str, str] | None = None
        self._failing: set[str] = set()

    def learn(self, cameras: Sequence[DesiredCamera]) -> None:
        """Takes the desired cameras over, in place of those known before."""
        nodes = {path_name(camera.camera_id): self._node for camera in cameras if camera.wanted}
        if nodes != self._nodes:
            self._nodes = nodes
            self.wake.set()

    async def sync(self) -> None:
        """Tells all edges. No map is touched before the cameras are known."""
        if (nodes := self._nodes) is not None:
            await asyncio.gather(*(self._tell(edge, nodes) for edge in self._edges))

    async def _tell(self, edge: EdgeMap, nodes: dict[str, str]) -> None:
        try:
            changed = await edge.sync(nodes)
        except Unavailable as error:
            metrics.edge_syncs.labels("failed").inc()
            if edge.name not in self._failing:
                log.warning("edge_unavailable", edge=edge.name, reason=error.message)
            self._failing.add(edge.name)
            return
        metrics.edge_syncs.labels("done").inc()
        if changed or edge.name in self._failing:
            log.info("edge_map_written", edge=edge.name, changes=changed, cameras=len(nodes))
        self._failing.discard(edge.name)
