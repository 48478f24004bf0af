from chassis.migrations import run_env
from streaming.archive import tables as archive
from streaming.clips import tables as clips
from streaming.playback import tables as playback
from streaming.recordings import tables as recordings
from streaming.retention import tables as retention
from streaming.streams import tables as streams
from streaming.timeline import tables as timeline
from streaming.tombstones import tables as tombstones

run_env([each.Row.metadata for each in (streams, recordings, playback, retention, tombstones, timeline, clips, archive)], streams.SCHEMA)
