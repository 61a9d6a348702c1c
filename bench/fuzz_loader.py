"""`python -m bench.fuzz_loader SECONDS [SEED]`: `chainrule.load` against spoiled files.

Only a `ModelFileError` may come out of a file that does not load; one that loads must answer and
be saved again. No contest, so `python -m bench` leaves it out.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from random import Random
from time import monotonic

ROOT = Path(__file__).parents[1]


def main(seconds: float, seed: int) -> None:
    sys.path.insert(0, str(ROOT / "tests" / "estimators"))
    from hostile_files import accepts, files, spoiled

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        valid = files(place)
        count = loaded = 0
        slowest = 0.0
        end = monotonic() + seconds
        while monotonic() < end:
            draw = Random(f"{seed}/{count}")
            data = spoiled(draw, draw.choice(valid))
            start = monotonic()
            try:
                loaded += accepts(place / "spoiled", data)
            except Exception:
                kept = Path(tempfile.gettempdir(), f"fuzz_loader_{seed}_{count}.safetensors")
                kept.write_bytes(data)
                print(f"seed {seed}, file {count}, kept as {kept}:", file=sys.stderr)
                raise
            slowest = max(slowest, monotonic() - start)
            count += 1
    print(
        f"{count:,} spoiled files: {loaded:,} loaded and answered, {count - loaded:,} refused; "
        f"{slowest * 1e3:.0f} ms at most"
    )


if __name__ == "__main__":
    seconds, seed = [*sys.argv[1:], "60", "0"][:2] if len(sys.argv) != 2 else (sys.argv[1], "0")
    main(float(seconds), int(seed))
