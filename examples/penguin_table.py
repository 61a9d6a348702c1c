"""A table as it is: numbers, text and empty cells, to a model in one file, and back.

The birds are drawn from the means and deviations that Horst, Hill and Gorman published with the
Palmer penguins (2020); a tenth of the cells is empty. Give the path of your own CSV file to
`read_table`, or run `chainrule train birds.csv --target species`.
"""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import chainrule as cr
from chainrule.data import read_table

# Bill length and depth (mm), flipper length (mm) and body mass (g): means, and deviations
SPECIES = {
    "Adelie": ((38.8, 18.3, 190, 3700), (2.7, 1.2, 6.5, 460)),
    "Chinstrap": ((48.8, 18.4, 196, 3730), (3.3, 1.1, 7.1, 380)),
    "Gentoo": ((47.5, 15.0, 217, 5080), (3.1, 1.0, 6.5, 500)),
}
ISLANDS = {
    "Adelie": ["Biscoe", "Dream", "Torgersen"],
    "Chinstrap": ["Dream"],
    "Gentoo": ["Biscoe"],
}
MEASURES = ["bill_length", "bill_depth", "flipper_length", "body_mass"]


def birds(count: int, seed: int) -> pd.DataFrame:
    """A table of `count` birds."""
    rng = np.random.default_rng(seed)
    species = rng.choice(list(SPECIES), count, p=[0.44, 0.2, 0.36])
    rows = [rng.normal(*SPECIES[name]).round(1) for name in species]
    frame = pd.DataFrame(rows, columns=MEASURES)
    frame["island"] = [rng.choice(ISLANDS[name]) for name in species]
    frame = frame.mask(rng.random(frame.shape) < 0.1)
    return frame.assign(species=species)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        csv, saved = Path(name, "birds.csv"), Path(name, "birds.safetensors")
        birds(400, seed=0).to_csv(csv, index=False)

        table = read_table(csv).frame
        model = cr.TabularClassifier(max_iter=60, random_state=0, progress=False)
        model.fit(table.drop(columns="species"), table["species"]).save(saved)

        new = birds(200, seed=1)
        loaded = cr.load(saved)
        predicted = loaded.predict(new.drop(columns="species"))
        size = saved.stat().st_size / 1e6
        print(f"a model of {size:.1f} MB, read back: {type(loaded).__name__}")
        print(f"accuracy on {len(new)} new birds: {np.mean(predicted == new['species']):.4f}")
        print(
            f"the commonest species alone: {new['species'].value_counts(normalize=True).max():.4f}"
        )
        by_importance = np.argsort(-loaded.feature_importances_)
        print("most important:", ", ".join(loaded.feature_names_in_[by_importance[:2]]))


if __name__ == "__main__":
    main()
