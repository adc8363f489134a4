"""The machine: devices, files, locks, randomness, errors; nothing here knows a run or a paper."""
