"""A fleet of cameras, registered through the API."""

from __future__ import annotations

import httpx

CAMERAS = 50


async def register_cameras(port: int, token: str) -> None:
    """Registers cameras with names, external ids and addresses as a city has them."""
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=20) as http:
        for number in range(CAMERAS):
            camera = {
                "name": f"Avenida Paulista {number}",
                "external_id": f"CAM-{number:04}",
                "url": f"rtsp://operador:senha@10.20.{number // 250}.{number % 250 + 1}:554/stream1",
            }
            (await http.post("/api/v1/cameras", json=camera)).raise_for_status()
