"""The measured rows of one machine: a JSON file, and a README over all machines beside it."""

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.context import Row, counted
from soundclr.errors import UserError
from soundclr.machine.files import read_json, write_json, write_text
from soundclr.machine.provenance import git_state, now

FORMAT = 1
SAME = ("cpu", "cpu_units", "cores")  # of one machine, in a file whose name has its device and precision
HEAD = "| what | ours | the other | unit | ratio | to reach | reached | repeats | commit |\n"
RULE = "| :-- | --: | --: | :-- | --: | --: | :-- | --: | :-- |\n"


def entry(row: Row, module: str, quick: bool) -> dict[str, Any]:
    """A row as it is stored: medians, extremes, ratio, and when and from which commit it was measured."""
    sides: dict[str, Any] = {}
    for side, values in (("ours", row.ours), ("against", row.against)):
        if values:
            sides[f"{side}_median"] = rounded(statistics.median(values))
            sides[f"{side}_range"] = [rounded(min(values)), rounded(max(values))]
    return {
        "name": row.name,
        "module": module,
        "what": row.what,
        "kind": row.kind,
        "unit": row.unit,
        "ours": row.ours_is,
        "against": row.against_is or None,
        **sides,
        "repeats": len(row.ours),
        "ratio": None if row.ratio is None else rounded(row.ratio),
        "target": row.target,
        "reached": row.reached,
        "note": row.note,
        "quick": quick,
        "date": now(),
        **git_state("benchmarks"),
    }


def slug(device: str) -> str:
    """A device's name for a file name: ``AMD EPYC, 2 threads`` becomes ``amd-epyc-2-threads``."""
    return re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")


def rounded(value: float) -> float:
    """Four digits: what a clock is good for."""
    return float(f"{value:.4g}")


def merged(old: Sequence[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows by name, the new ones in the old ones' places; a quick row never takes the place of a full one."""
    rows = {row["name"]: row for row in old}
    for row in new:
        kept = rows.get(row["name"])
        if kept is None or kept["quick"] or not row["quick"]:
            rows[row["name"]] = row
    return list(rows.values())


def file_of(folder: Path, machine: Mapping[str, Any]) -> tuple[Path, Any]:
    """The machine's file below ``folder`` and what it has; UserError where it is another machine's of the same name."""
    path = folder / f"{slug(machine['device'])}-{machine['precision']}.json"
    old: Any = read_json(path) if path.exists() else {"machine": machine, "rows": []}
    for key in SAME:
        if old["machine"].get(key) != machine[key]:
            raise UserError(
                f"{path}: is of another machine ({key} {old['machine'].get(key)}, here {machine[key]}); "
                "choose another folder with --output"
            )
    return path, old


def record(folder: Path, machine: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> Path:
    """Merge ``rows`` into the machine's file, see :func:`file_of`, and write the README anew; returns the file."""
    path, old = file_of(folder, machine)
    write_json(path, {"format": FORMAT, "machine": machine, "rows": merged(old["rows"], rows)})
    write_text(
        folder / "README.md",
        readme([read_json(file) for file in sorted(folder.glob("*.json"))]),
    )
    return path


def readme(contents: Iterable[Mapping[str, Any]]) -> str:
    """A table for each machine."""
    text = (
        "# Benchmark\n\nMedians, both sides on the same machine in turns; made by `make bench`. The ratio is how many "
        "times as fast ours is (to reach: at least),\nor, where the table says ≤, how many times as much it costs "
        "(at most).\n"
    )
    for content in contents:
        machine = content["machine"]
        memory = f"{machine['memory_gb']} GB" + (
            f", GPU {machine['gpu_memory_gb']} GB" if machine["gpu_memory_gb"] else ""
        )
        text += (
            f"\n## {machine['device']}, {machine['precision']}\n\n"
            f"CPU: {machine['cpu']}, {counted(machine['cores'], 'core')} "
            f"({', '.join(machine['cpu_units']) or 'no vector units'}), "
            f"{counted(machine['threads'], 'thread')}, {memory}; "
            f"encoder in {machine['precision']}; torch {machine['torch']}, Python {machine['python']}.\n\n"
        )
        text += HEAD + RULE + "".join(line(row) for row in content["rows"])
        notes = [f"- {row['what']}: {row['note']}\n" for row in content["rows"] if row["note"]]
        text += "\n" + "".join(notes) if notes else ""
    return text


def line(row: Mapping[str, Any]) -> str:
    """One row of the table."""
    sign = "≥" if row["kind"] == "speed-up" else "≤"
    cells = [
        row["what"] + (" **(quick run)**" if row["quick"] else ""),
        f"{row['ours_median']:g} ({row['ours']})",
        f"{row['against_median']:g} ({row['against']})" if row["against"] else "",
        row["unit"],
        "" if row["ratio"] is None else f"{row['ratio']:.2f}",
        "" if row["target"] is None else f"{sign} {row['target']:g}",
        {True: "yes", False: "**no**", None: ""}[row["reached"]],
        str(row["repeats"]),
        (row["git_commit"] or "unknown")[:7] + ("*" if row["git_dirty"] else ""),
    ]
    return f"| {' | '.join(cells)} |\n"
