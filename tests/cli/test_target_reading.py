"""`evaluate` reads the target as the training did, whatever the new rows look like alone."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import chainrule
from chainrule.cli import models
from chainrule.data import Table, read_cells
from chainrule.data.columns import typed_frame
from chainrule.errors import DataError

# Cells of a training, and how many of them come again: alone they would be read otherwise
CELLS = {
    "thousands": (["1.234,5", "2.345", "980,25", "4.567"], [1, 3]),
    "a sentinel": ([*map(str, range(40, 60)), "-999", "-999"], [3, 20]),
    "spans": (["1:30", "0:45", "26:10:05", "10:00"], [0, 3]),
    "units": (["1.5 kg", "300 g", "2 kg"], [0, 2]),
    "words for missing": (["1.5", "2.5", "n/a", "?"], [0, 2]),
    "percent": (["10 %", "20,5 %"], [0]),
}
CLASSES = {
    "numbers": (["1,0", "2,0", "1,5"], [0, 1]),
    "whole numbers": (["1", "2", "?", "1"], [0, 2]),
    "dollars": (["$1", "$2", "$1"], [0, 1]),
    "codes": (["01", "02", "10", "12"], [2, 3]),
    "words": (["ja", "nein ", "?"], [1, 2]),
    "truths": (["True", "False", "True"], [0, 1]),
    "truths with gaps": (["True", "False", None, "?"], [0, 1]),
}


def labelled(cells, rows, path, classes):
    """What `evaluate` takes for the truth of some rows of a file, and the training's values."""
    frame = pd.DataFrame({"y": cells, "x": [f"{k},5" for k in range(len(cells))]})
    frame.to_csv(path, index=False, sep=";")
    typed, readings = typed_frame(read_cells(path).frame)
    (reading,) = (one for one in readings if one.name == "y")
    model = SimpleNamespace(card_={"target": "y", "target_reading": reading.to_json()})
    if classes:
        model.classes_ = [str(one) for one in pd.unique(typed["y"].dropna())]
    frame.iloc[rows].to_csv(path, index=False, sep=";")
    table, name = models.labelled(model, read_cells(path), None)
    assert "y" == name
    return table.frame["y"].tolist(), typed["y"].iloc[rows].dropna().tolist()


@pytest.mark.parametrize("case", [*CELLS, *CLASSES])
def test_the_truth_is_what_the_training_would_have_read(tmp_path, case):
    """Number for number; what was missing there is missing here."""
    cells, rows = {**CELLS, **CLASSES}[case]
    truth, wanted = labelled(cells, rows, tmp_path / "t.csv", case in CLASSES)
    assert wanted
    if case in CLASSES:
        assert [*map(str, wanted)] == [*map(str, truth)]
    else:
        assert wanted == truth


def test_the_other_decimal_mark_of_new_rows():
    """Where it leaves no doubt; a cell that is no number is named, without advice on training."""
    (reading,) = typed_frame(pd.DataFrame({"y": ["1.234,5", "980,25"]}))[1]
    model = SimpleNamespace(card_={"target": "y", "target_reading": reading.to_json()})
    table = Table("t.csv", pd.DataFrame({"truth": ["1,234.5", "980.25", "-"]}))
    assert [1234.5, 980.25] == models.labelled(model, table, "truth")[0].frame["truth"].tolist()
    table = Table("t.csv", pd.DataFrame({"y": ["980,25", "many"]}))
    with pytest.raises(DataError, match="row 2: 'many' .* or leave that row out$") as error:
        models.labelled(model, table, None)
    assert "train" not in str(error.value)


@pytest.mark.usefixtures("_unoptimised")
def test_a_training_saves_how_its_target_is_read(run):
    """Thousands with a point are thousands, though the rows to score have no other number."""
    rng = np.random.default_rng(0)
    area = rng.uniform(1.0, 9.0, 60).round(1)
    price = [f"{1000 + 500 * x:.2f}" for x in area]
    german = [f"{p[:-6]}.{p[-6:-3]},{p[-2:]}" for p in price]
    lines = [f"{str(x).replace('.', ',')};{p}" for x, p in zip(area, german, strict=True)]
    Path("flats.csv").write_text("\n".join(["area;price", *lines, ""]))
    Path("some.csv").write_text("area;price\n2;2.000\n4;3.000\n")
    code, _, err = run("train", "flats.csv", "-t", "price", "--epochs", "1", "--no-checks",
                   "--hidden-layer-sizes", "none", "--n-members", "1", "-q",
                       "--gaussian-process-rows", "0", "--numeric-embedding", "none")  # fmt: skip
    assert not err
    loaded = chainrule.load("flats.safetensors")
    assert (0, "number") == (code, loaded.card_["target_reading"]["kind"])
    commas = models.columns_with_commas(loaded)
    assert {"area", "price"} == commas
    table, _ = models.labelled(loaded, read_cells("some.csv", as_text=commas), None)
    assert [2000.0, 3000.0] == table.frame["price"].tolist()
    scores = json.loads(run("evaluate", "flats.safetensors", "some.csv", "--json")[1])["scores"]
    (first, second) = (2000.0, 3000.0) - loaded.predict(pd.DataFrame({"area": [2.0, 4.0]}))
    assert (abs(first) + abs(second)) / 2 == pytest.approx(scores["MAE"], rel=1e-5)
    Path("ten.csv").write_text("area\n2.000\n")  # in such a table it is no 2
    (line,) = run("predict", "flats.safetensors", "ten.csv")[1].splitlines()[1:]
    wanted = loaded.predict(pd.DataFrame({"area": [2000.0]}))
    assert wanted == pytest.approx([float(line.split(",")[0])], rel=1e-5)
    code, out, _ = run("inspect", "flats.safetensors")
    assert (0, 1) == (code, out.count("target_reading  "))
