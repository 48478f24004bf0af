"""What streaming counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

path_changes = Counter("gtvision_streaming_path_changes_total", "Changes made to the media server's paths", ["change", "outcome"])
paths_remade = Counter("gtvision_streaming_paths_remade_total", "Paths made anew because nothing of an advancing stream was recorded")
stream_transitions = Counter("gtvision_streaming_transitions_total", "Streams that changed state", ["state"])
streams = Gauge("gtvision_streaming_streams", "Cameras by what their stream is doing", ["state"])
reconcile_failures = Counter(
    "gtvision_streaming_reconcile_failures_total", "Rounds in which the media server or the database could not be asked"
)
admissions = Counter("gtvision_streaming_admissions_total", "Answers of the auth hook", ["protocol", "outcome"])
admission_seconds = Histogram(
    "gtvision_streaming_admission_seconds", "Time the auth hook took", buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.5)
)
views_ended = Counter("gtvision_streaming_views_ended_total", "Viewers' sessions that were ended", ["protocol", "reason"])
names = Counter("gtvision_streaming_names_total", "Looks at where a camera's host name leads", ["outcome"])
edge_syncs = Counter("gtvision_streaming_edge_syncs_total", "Looks at an edge's map of cameras", ["outcome"])
segments = Counter("gtvision_streaming_segments_total", "Recorded segments indexed")
segment_bytes = Counter("gtvision_streaming_segment_bytes_total", "Bytes of recorded segments indexed")
not_indexed = Counter("gtvision_streaming_not_indexed_total", "Tries at which a recorded file could not be read or indexed")
misdated = Counter("gtvision_streaming_misdated_segments_total", "Recorded files whose names tell of a time that cannot be")
unplayable = Counter("gtvision_streaming_unplayable_segments_total", "Recorded files in which nothing can be played")
changed = Counter("gtvision_streaming_changed_segments_total", "Recorded files that are no longer what was indexed")
deleted_bytes = Counter("gtvision_streaming_deleted_bytes_total", "Bytes of recordings removed by retention or quota")
undeleted = Counter(
    "gtvision_streaming_undeleted_total", "Times that a recording could not be deleted, such as for the rights of its folder"
)
days_left = Gauge("gtvision_streaming_days_left", "Days until the oldest recordings have to go for new ones; +Inf: never, or not known")
held_bytes = Gauge("gtvision_streaming_held_bytes", "Bytes of recordings that legal holds keep")
full_of_held = Gauge("gtvision_streaming_disk_full_of_held", "1 while what is held leaves too little room on the disk")
clips = Counter("gtvision_streaming_clips_total", "Clips that were made or could not be made", ["outcome"])
recordings_bytes = Gauge("gtvision_streaming_recordings_bytes", "Bytes of recordings on disk")
thumbnails = Counter("gtvision_streaming_thumbnails_total", "Thumbnails of recordings", ["outcome"])
thumbnails_missing = Gauge("gtvision_streaming_thumbnails_missing", "Finished recordings that have no thumbnail yet")
thumbnail_seconds = Histogram(
    "gtvision_streaming_thumbnail_seconds", "Time one thumbnail took", buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
)
sprite_seconds = Histogram(
    "gtvision_streaming_sprite_seconds", "Time one sprite of thumbnails took", buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
)
playback_opened = Counter("gtvision_streaming_playback_opened_total", "Playback sessions opened")
tickets_refused = Counter("gtvision_streaming_tickets_refused_total", "Tickets for recordings and stills that were refused", ["reason"])
playback_answers = Counter("gtvision_streaming_playback_answers_total", "Answers to nginx on whether a file may be sent", ["outcome"])
playlist_seconds = Histogram(
    "gtvision_streaming_playlist_seconds", "Time to make a playlist", buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
)
stills = Counter("gtvision_streaming_stills_total", "Pictures of cameras that were sent")
still_seconds = Histogram("gtvision_streaming_still_seconds", "Time one picture of a camera took", buckets=(0.02, 0.05, 0.1, 0.5, 1, 5))
recordings_stopped = Gauge("gtvision_streaming_recordings_stopped", "Cameras that should be recorded and of which nothing is written")
recording_gaps = Counter("gtvision_streaming_recording_gaps_total", "Gaps between recorded files", ["cause"])
copies = Counter("gtvision_streaming_copies_total", "Off-site copies of recordings", ["outcome"])
copied_bytes = Counter("gtvision_streaming_copied_bytes_total", "Bytes of recordings copied off-site")
uncopied = Gauge("gtvision_streaming_uncopied_segments", "Finished recordings that wait for their off-site copy")
oldest_uncopied = Gauge("gtvision_streaming_oldest_uncopied_seconds", "Age of the oldest recording that waits for its off-site copy")
copies_read = Counter("gtvision_streaming_copies_read_total", "Off-site copies that were read back whole and compared", ["outcome"])
rows_without_files = Gauge("gtvision_streaming_rows_without_files", "Rows of the index whose files were gone at the last comparison")
reindex_stopped = Counter("gtvision_streaming_reindex_stopped_total", "Comparisons of index and disk that found too much to change")
