"""Archive: off-site copies of recordings, made, checked, brought back and deleted in their time."""
