"""What a benchmark says: one object with the same fields for every benchmark, as JSON or as text for a reader."""

from __future__ import annotations

import json
import re
import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measurement:
    """One run of one benchmark.

    Attributes:
        name: the benchmark.
        size: what it was asked for, such as a number of accounts.
        seconds: what the work took.
        floor_seconds: what the least that could be done took, in the same process.
        peak_mib: largest resident memory of the process that did the work, in MiB, taken before the floor ran.
        breakdown: part of the work to its seconds; their sum is ``seconds``.
        megabytes: MiB that were read, where the work is reading a file; else nought.
    """

    name: str
    size: int
    seconds: float
    floor_seconds: float
    peak_mib: float
    breakdown: Mapping[str, float]
    megabytes: float = 0.0

    @property
    def ratio(self) -> float:
        """How many times the floor the work takes."""
        return self.seconds / self.floor_seconds

    def as_json(self) -> str:
        """One JSON object on one line."""
        return json.dumps(
            {
                "name": self.name,
                "size": self.size,
                "seconds": round(self.seconds, 3),
                "floor_seconds": round(self.floor_seconds, 3),
                "ratio": round(self.ratio, 2),
                "peak_mib": round(self.peak_mib, 1),
                "breakdown": {part: round(spent, 3) for part, spent in self.breakdown.items()},
                **({"mib_per_second": round(self.megabytes / self.seconds, 1)} if self.megabytes else {}),
            }
        )

    def as_text(self) -> str:
        """A few lines for a reader."""
        lines = [
            f"{self.name}, size {self.size:,}: {self.seconds:.1f} s, {self.ratio:.1f} times the floor of "
            f"{self.floor_seconds:.2f} s, peak {self.peak_mib:,.0f} MiB"
            + (f", {self.megabytes / self.seconds:.1f} MiB/s" if self.megabytes else "")
        ]
        lines += [f"  {part:<14}{spent:9.2f} s {spent / self.seconds:6.1%}" for part, spent in self.breakdown.items()]
        return "\n".join(lines)


@dataclass(frozen=True)
class Benchmark:
    """A benchmark of the registry.

    Attributes:
        run: measures one size, in one figure or several.
        sizes: what is measured when no size is asked for.
        unit: what a size counts.
    """

    run: Callable[[int], Measurement | tuple[Measurement, ...]]
    sizes: tuple[int, ...]
    unit: str


def peak_mib() -> float:
    """Largest resident memory of this process so far; what getrusage says would include its parent's."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
