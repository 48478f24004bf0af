"""Names: where the host names of cameras lead, so that the media server is given addresses only."""
