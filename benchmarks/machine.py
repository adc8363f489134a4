"""Which machine a measurement is of."""

import os
import platform
import re
from pathlib import Path
from typing import Any

import torch

from soundclr.machine.devices import describe, precision

UNITS = ("avx2", "avx512_f", "avx512_bf16", "amx_bf16")


def machine(device: torch.device) -> dict[str, Any]:
    """The device, the processor and its cores, memory, the encoder's precision, and the versions that matter."""
    capabilities = torch.cpu.get_capabilities()
    gpu = device.type == "cuda"
    return {
        "device": describe(device),
        "cpu": describe(torch.device("cpu")).rsplit(",", 1)[0],
        "cpu_units": [unit for unit in UNITS if capabilities.get(unit)],
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "memory_gb": round(int(re.findall(r"MemTotal: +(\d+)", Path("/proc/meminfo").read_text())[0]) / 2**20, 1),
        "gpu_memory_gb": round(torch.cuda.get_device_properties(device).total_memory / 2**30, 1) if gpu else None,
        "precision": str(precision(device, "auto")).removeprefix("torch."),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
