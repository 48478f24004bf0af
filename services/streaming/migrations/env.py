from chassis.migrations import run_env
from streaming.recordings import tables as recordings
from streaming.retention import tables as retention
from streaming.streams import tables as streams
from streaming.timeline import tables as timeline

run_env([streams.Row.metadata, recordings.Row.metadata, retention.Row.metadata, timeline.Row.metadata], streams.SCHEMA)
