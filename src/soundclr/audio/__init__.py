"""From audio files to log-mel batches: decode once, keep int16 in memory, augment on the job's device."""
