"""What ai-detect counts."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

FRAMES = Counter("gtvision_ai_detect_frames_total", "Frames analysed, by whether anything was found", ["found"])
OBJECTS = Counter("gtvision_ai_detect_objects_total", "Objects found", ["object_class"])
FAILURES = Counter("gtvision_ai_detect_failures_total", "Batches that the provider did not answer")
RESTARTS = Counter("gtvision_ai_detect_reader_restarts_total", "Times the reading process was replaced", ["reason"])
BATCH_SIZE = Histogram("gtvision_ai_detect_batch_frames", "Pictures in a batch", buckets=(1, 2, 4, 8, 16, 32, 64))
INFERENCE_SECONDS = Histogram(
    "gtvision_ai_detect_inference_seconds", "Time a provider took for a batch", buckets=(0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
)
FRAME_SECONDS = Histogram(
    "gtvision_ai_detect_frame_seconds",
    "From a frame's arrival to its confirmed announcement",
    buckets=(0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8),
)
