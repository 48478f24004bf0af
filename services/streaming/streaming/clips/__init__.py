"""Clips: a range of a camera's recordings as one MP4 in the object store, made by a job and fetched by a short link."""
