"""From audio files to input batches: decode once, keep int16 in memory, augment on the job's device."""
