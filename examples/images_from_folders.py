"""Your own pictures: a folder for each class, read from disk (needs the extra `images`).

The script draws discs, squares and crosses of random size, place and brightness, writes them as
PNG files, and trains on the folder. Put your own pictures in its place.
"""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import chainrule as cr

SIDE = 24


def draw(shape: str, rng: np.random.Generator) -> np.ndarray:
    """One grey picture of a shape, with noise."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    down, right = np.abs(rows - rng.uniform(9, 15)), np.abs(columns - rng.uniform(9, 15))
    size = rng.uniform(4, 7)
    inside = {
        "disc": down**2 + right**2 < size**2,
        "square": np.maximum(down, right) < size,
        "cross": np.minimum(down, right) < size / 4,
    }[shape]
    grey = rng.uniform(100, 220) * inside + rng.normal(30, 15, (SIDE, SIDE))
    return np.clip(grey, 0, 255).astype(np.uint8)


def write_pictures(folder: Path, count: int, seed: int) -> None:
    """Write `count` pictures of each shape as folder/SHAPE/NUMBER.png."""
    rng = np.random.default_rng(seed)
    for shape in ("cross", "disc", "square"):
        (folder / shape).mkdir(parents=True)
        for k in range(count):
            Image.fromarray(draw(shape, rng)).save(folder / shape / f"{k}.png")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        train, test = Path(name, "train"), Path(name, "test")
        write_pictures(train, 60, seed=0)
        write_pictures(test, 20, seed=1)

        model = cr.ImageClassifier(epochs=8, batch_size=16, width=8, random_state=0, progress=False)
        model.fit(train)

        files = sorted(test.glob("*/*.png"))
        answers = model.predict(files)
        right = np.mean([path.parent.name == answer for path, answer in zip(files, answers)])
        print(f"classes: {', '.join(model.classes_)}")
        print(f"accuracy on {len(files)} files not seen: {right:.4f}; by chance {1 / 3:.4f}")


if __name__ == "__main__":
    main()
