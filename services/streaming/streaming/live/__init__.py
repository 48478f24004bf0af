"""Live views: the media server's auth hook, and who may watch."""
