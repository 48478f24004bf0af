from chassis.migrations import run_env
from streaming.recordings import tables as recordings
from streaming.streams import tables as streams

run_env([streams.Row.metadata, recordings.Row.metadata], streams.SCHEMA)
