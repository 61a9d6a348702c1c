"""Names of files, columns and classes in each command's output: shown, whole, and nothing more."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hostile_names import names, seen, steers

import chainrule
from chainrule import escape
from chainrule.cli import models
from chainrule.cli.console import console, table
from chainrule.config import configured
from chainrule.estimators.raw.attribution import Attribution

pytestmark = pytest.mark.usefixtures("_unoptimised")

WIDE = "100000"  # columns of a terminal in which nothing is folded
QUICK = ("--epochs", "2", "--hidden-layer-sizes", "4", "--n-members", "1", "-q")
SEEDS = [0, *(pytest.param(k, marks=pytest.mark.slow) for k in range(1, 3))]


@pytest.fixture
def wide(run, monkeypatch):
    """The command, in a terminal as wide as need be; what it says is held to the rules."""
    monkeypatch.setenv("COLUMNS", WIDE)

    def call(*words):
        code, out, err = run(*words)
        if "--raw-csv" not in words:
            assert [] == steers(err)
            assert [] == steers(out) or words[0] == "predict"
        return code, out, err

    return call


class Terminal(io.TextIOWrapper):
    """Standard output that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(wide, monkeypatch):
    """The command as it speaks to a terminal that knows no colours."""

    def call(*words):
        monkeypatch.setenv("TERM", "dumb")
        out = Terminal(io.BytesIO(), encoding="utf-8")
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", out)
            code, _, err = wide(*words)
        out.flush()
        made = out.buffer.getvalue().decode()
        assert [] == steers(made)
        return code, made, err

    return call


def csv_rows(path: str) -> list[list[str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def file_names(seed: int, count: int) -> list[str]:
    """Names that a file can have, also of bytes that are no text."""
    made = []
    for name in names(seed, 4 * count, empty=False):
        bare = name.replace("/", "_").replace("\0", "").encode()[:200].decode(errors="ignore")
        if bare.strip(".") and bare not in made:
            made.append(bare)
    return [os.fsdecode(b"\xff\xfe\x9b31m"), *made][:count]


@pytest.fixture(scope="module", params=SEEDS)
def hostile(request, tmp_path_factory):
    """A table whose columns, classes and cells have such names, and a model of it."""
    folder = tmp_path_factory.mktemp("hostile")
    *columns, target = names(request.param, 25, empty=False)
    classes, levels = names(request.param + 100, 6), names(request.param + 200, 4)
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({k: draw.normal(size=120) for k in range(len(columns) - 1)})
    frame["level"] = [levels[k % len(levels)] for k in range(120)]
    frame["target"] = [classes[k % len(classes)] for k in range(120)]
    frame.columns = [*columns, target]
    if frame.columns.str.strip().duplicated().any():
        frame.columns = [f"{k} {name}" for k, name in enumerate(frame.columns)]
    path = folder / f"{file_names(request.param, 3)[1]}.parquet"
    frame.to_parquet(path)
    X, y = frame.iloc[:, :-1], frame.iloc[:, -1]
    X.columns = X.columns.str.strip()
    with configured(check=0):
        model = chainrule.TabularClassifier(hidden_layer_sizes=(4,), max_iter=2, n_members=1,
                                            random_state=0, progress=False).fit(X, y)  # fmt: skip
    saved = folder / "m.safetensors"
    model.save(saved, card={"target": frame.columns[-1].strip(), "data": path.name,
                            "notes": names(request.param + 300, 5)})  # fmt: skip
    return SimpleNamespace(
        frame=frame, columns=list(X.columns), target=frame.columns[-1].strip(), classes=classes,
        levels=levels, path=path, model=saved,
    )  # fmt: skip


def test_inspect(wide, hostile):
    """Each column, what it holds, and the card."""
    code, out, _ = wide("inspect", hostile.model)
    assert 0 == code
    for name in (*hostile.columns, *hostile.levels, hostile.target, hostile.path.name):
        assert escape.terminal(name.strip()) in out  # cells are read without outer spaces
    code, out, _ = wide("inspect", hostile.model, "--json")
    told = json.loads(out)
    assert hostile.columns == [column["name"] for column in told["columns"]]
    assert sorted(hostile.classes) == sorted(told["classes"])


def test_inspect_in_a_narrow_terminal(run, hostile, monkeypatch):
    """Cells are folded, none is cut."""
    for width in ("20", "60"):
        monkeypatch.setenv("COLUMNS", width)
        _, out, _ = run("inspect", hostile.model)
        assert [] == steers(out)
        assert ("…" in out) == any("…" in name for name in hostile.columns)


def test_evaluate(wide, hostile):
    """The table's name and the target, whatever markup they look like."""
    code, out, _ = wide("evaluate", hostile.model, hostile.path, "--report", "page.html")
    assert 0 == code
    title = f"{hostile.target!r} of 120 rows of {hostile.path.name}"
    assert escape.terminal(title) in out
    page = Path("page.html").read_text()
    assert [] == steers(page.replace("\t", ""))
    for name in hostile.classes:
        if name.strip() and len(escape.terminal(name)) <= 40:
            assert escape.html(name.strip()) in page
    code, out, _ = wide("evaluate", hostile.model, hostile.path, "--json")
    assert (hostile.target, hostile.path.name) == tuple(
        json.loads(out)[key] for key in ("target", "data")
    )


def test_predictions(wide, terminal, hostile):
    """Raw, all cells are the names; else what a spreadsheet would run has an apostrophe, and the
    last line says how many; on a terminal nothing steers it."""
    words = ("predict", hostile.model, hostile.path, "--proba")
    header = [hostile.target, *[f"p({name})" for name in sorted(hostile.classes)]]
    code, out, err = wide(*words, "--raw-csv")
    rows = list(csv.reader(io.StringIO(out, newline="")))
    assert (0, "", header) == (code, err, rows[0])
    raw = [row[0] for row in rows[1:]]
    assert set(raw) <= set(hostile.classes)
    code, out, err = wide(*words)
    rows = list(csv.reader(io.StringIO(out, newline="")))
    assert [escape.spreadsheet(name) for name in raw] == [row[0] for row in rows[1:]]
    changed = sum(escape.spreadsheet(name) != name for name in [*raw, header[0]])
    assert err == "" if not changed else err.startswith(f"chainrule: {changed} cell")
    _, out, err = wide(*words, "-o", "p.csv")
    assert f"wrote 120 predictions of {escape.terminal(repr(hostile.target))} to p.csv" in err
    assert (f"; {changed} cell" in err) == bool(changed)
    assert rows == csv_rows("p.csv")
    _, out, _ = terminal(*words)
    assert escape.terminal(escape.spreadsheet(hostile.target)) in out.replace('""', '"')
    assert 121 == out.count("\n")


def test_training(wide, hostile):
    """From a table to a model, page and messages, under hostile names throughout."""
    place = f"{file_names(7, 3)[1]}.safetensors"
    code, out, err = wide("train", hostile.path, *QUICK[:-1], "-o", place, "--report", "r.html")
    assert (0, "") == (code, err)
    assert Path(place).exists()
    assert escape.terminal(f"{hostile.path.name}: classification of {hostile.target!r}") in out
    assert escape.terminal(f"saved {place}; use it") in out
    page = Path("r.html").read_text()
    assert [] == steers(page.replace("\t", ""))
    for name in hostile.columns:
        if 0 < len(escape.terminal(name)) <= 40:
            assert escape.html(name) in page


def test_search(wide, hostile):
    """`tune`, too."""
    pytest.importorskip("optuna")
    words = ("--trials", "1", "--epochs", "2", "--n-members", "1", "--folds", "1")
    code, out, err = wide("tune", hostile.path, *words, "-o", "\x1b[31mt.safetensors")
    assert (0, "") == (code, err)
    assert "saved \\x1b[31mt.safetensors; this trains it again:\n" in out
    assert escape.terminal(hostile.path.name) in out


@pytest.mark.parametrize("few", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_errors(wide, few):
    """What a message quotes of the user's words is all there, and steers nothing."""
    for name in file_names(3, 60)[:4] if few else file_names(3, 60)[4:10]:
        errors_quote(wide, name)


def errors_quote(wide, name):
    for words in (
        ("train", name), ("train", "iris", "-t", name),
        ("train", "iris", "--hidden-layer-sizes", f"x{name}"),
        ("predict", name, "iris"), ("evaluate", name, "iris"), ("inspect", name), (name,),
        ("train", "iris", "--task", name),
        ("train", "iris", "--report", f"no/{name}.html"), ("demo", name),
        ("train", f"--{name.replace('=', '')}"),
        ("export", name, "-o", f"no/{name}"), ("train", "iris", "-o", f"no/{name}"),
    ):  # fmt: skip
        code, _, err = wide(*words)
        if not name.startswith("-"):
            assert 2 == code, words
            said = re.sub(r"\\\\|\\U000[0-9a-f]{5}", " ", err)  # repr's own
            assert all(word in said for word in seen(name) if word.isascii()), words
    assert 2 == wide("train", "iris", "--epochs", name)[0] or name.isdecimal()


def test_recordings_and_pictures(wide, terminal, monkeypatch):
    """`listen`, and `predict` of files: each file's name and class, the readable and the other."""
    files, classes = file_names(5, 40), np.array(names(6, 40))
    chances = np.eye(40)
    model = SimpleNamespace(
        sample_rate_=8000, classes_=classes, module_=None, endings=(".png",),
        predict_proba=lambda given: chances[: len(given)],
    )  # fmt: skip
    monkeypatch.setattr(models, "load", lambda path: model)
    listen = sys.modules["chainrule.cli.listen"]
    monkeypatch.setattr(listen, "read_audio", lambda path: (np.zeros(9), 8000))
    code, out, _ = wide("listen", "model", "--", *files)
    assert 0 == code
    for name in (*files, *classes):
        assert escape.terminal(name).strip() in out
    _, out, _ = wide("listen", "model", "--json", "--", *files)
    assert files == [each["file"] for each in json.loads(out)]
    _, out, _ = terminal("predict", "model", "--raw-csv", "--", *files)
    for name in (*files, *classes):
        assert escape.terminal(name).strip() in out.replace('""', '"')
    code, _, err = wide("predict", "model", "-o", "p.csv", "--", *files)
    rows = csv_rows("p.csv")[1:]
    expected = [
        [escape.spreadsheet(text.encode(errors="backslashreplace").decode()) for text in pair]
        for pair in zip(files, classes, strict=True)
    ]
    assert expected == [row[:2] for row in rows]
    count = sum(escape.spreadsheet(text) != text for text in (*files, *classes))
    assert count > 3
    assert f"; {count} cells that a spreadsheet would run begin with ' (--raw-csv" in err


def test_recordings_that_cannot_be_read(wide, monkeypatch):
    """Each is named on standard error."""
    monkeypatch.setattr(models, "load", lambda path: SimpleNamespace(sample_rate_=8000))
    files = file_names(8, 40)
    code, _, err = wide("listen", "model", "--", *files)
    assert (2, 40) == (code, err.count("\n"))
    assert all(escape.terminal(name) in err for name in files)


def test_explained_texts(terminal, monkeypatch):
    """Words and classes, on the terminal and on the page."""
    words = [name for name in names(9, 60) if name.strip()]
    told = Attribution(words[0], 0.75, tuple(words), np.linspace(-1.0, 1.0, len(words)), 0.25)
    model = SimpleNamespace(classes_=[], attribute=lambda text: told)
    monkeypatch.setattr(models, "load", lambda path: model)
    _, out, _ = terminal("predict", "model", "a text", "--explain", "-o", "page.html")
    page = Path("page.html").read_text()
    assert [] == steers(page.replace("\t", ""))
    for word in words:
        assert escape.terminal(word).split() == [
            part for part in escape.terminal(word).split() if part in out
        ]
        assert escape.html(word) in page


def test_folder_of_compiled_code(wide, monkeypatch):
    """`cache info` shows a path."""
    for name in names(10, 30, empty=False):
        monkeypatch.setenv("CHAINRULE_CACHE_DIR", name.replace("\0", ""))
        _, out, _ = wide("cache", "info")
        assert escape.terminal(str(Path(name.replace("\0", "")))).strip() in out


def test_a_console_takes_nothing_for_markup(capsys, monkeypatch):
    """Lines, cells, headers and titles."""
    monkeypatch.setenv("COLUMNS", WIDE)
    for name in names(11, 300):
        out = console()
        out.say(name)
        made = table(name, "x", title=name)
        made.add_row(name, name)
        out.print(made)
        shown = capsys.readouterr().out
        assert [] == steers(shown)
        assert shown.startswith(escape.terminal(name) + "\n")
        assert 5 <= shown.count(escape.terminal(name).strip())


def test_columns_of_one_name(wide, trained, monkeypatch):
    """A target that is called like the probability of a class loses no column: it is refused."""
    model = chainrule.load(trained / "iris.safetensors")
    model.card_["target"] = "p(setosa)"
    monkeypatch.setattr(models, "load", lambda path: model)
    code, out, err = wide("predict", "model", "iris", "--proba")
    assert (2, "") == (code, out)
    assert "two columns of the output would be named 'p(setosa)': leave out" in err
