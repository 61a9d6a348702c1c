"""`train` and `tune` on tables: what is said of the columns, what is asked, what options mean."""

import io
import json
import shlex
import tomllib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import chainrule
from chainrule.cli import (
    asking,
    column_kinds,
    outcome,
    reading_report,
    sources,
    table_options,
    table_results,
)
from chainrule.cli.console import TOGETHER, PlainConsole
from chainrule.cli.train_table import train_options
from chainrule.data.columns import Reading, learn_readings
from chainrule.data.tables.table import Table
from chainrule.errors import DataError
from chainrule.estimators.tabular.checks.advice import Advice
from chainrule.estimators.tabular.honest import HonestScore
from chainrule.estimators.tabular.thresholds import Threshold

pytestmark = pytest.mark.usefixtures("_unoptimised")

QUICK = ("--epochs", "2", "--hidden-layer-sizes", "4", "--n-members", "1", "--no-checks")


def written(width=80):
    """A console of so many columns, and what it has written."""
    file = io.StringIO()
    return PlainConsole(file=file, width=width, highlight=False), file


def offices(count=40):
    """A table as an office makes it: every cell is a text."""
    return pd.DataFrame(
        {
            "id": [f"{k:05d}" for k in range(count)],
            "when": [f"{1 + k % 28:02d}/{1 + k % 12:02d}/2026" for k in range(count)],
            "price": [f"${k + 1},{k * 10:03d}.50" if k % 5 else "n/a" for k in range(count)],
            "kind": [("None", "red", "blue")[k % 3] for k in range(count)],
            "y": [str(k % 2) for k in range(count)],
        }
    )


# What is said of the columns


def test_each_column_with_kind_reason_missing_share_and_examples():
    """A line a column; what was guessed or cut has a line below; all within 80 columns."""
    out, file = written()
    reading_report.show_readings(out, learn_readings(offices()), "y")
    lines = file.getvalue().splitlines()
    table = [line for line in lines if not line.startswith("note")]
    assert max(len(line) for line in table) <= 80
    assert ["column", "read", "as", "missing", "examples"] == table[0].split()
    price = next(line for line in table if line.startswith("price"))
    assert "number" in price and "20 %" in price and "$2,010.50" in price
    assert any(line.startswith("y (target)") for line in table)
    assert any("date" in line for line in table if line.startswith("when"))
    assert any(line.startswith("id") and "text" in line for line in table)  # 00001 is a code
    notes = [line for line in lines if line.startswith("note: column ")]
    assert any("'id'" in note and "--as id=number" in note for note in notes)


def wide():
    plain = [Reading(f"x{k}", "number", missing=k / 100) for k in range(30)]
    texts = [Reading(f"t{k}", "text") for k in range(3)]
    odd = [Reading("when", "date"), Reading("eur", "number", notes=("a decimal comma",))]
    return [*plain, *texts, *odd, Reading("y", "number")]


def test_many_columns_are_grouped():
    """Those without a surprise; the target, dates and whatever has a note keep their line."""
    out, file = written()
    reading_report.show_readings(out, wide(), "y")
    said = file.getvalue()
    assert "30 columns of numbers: x0, x1, x2, ..., x29; up to 29 % missing" in said
    assert "3 columns of texts: t0, t1, t2; nothing missing" in said
    names = {line.split()[0] for line in said.splitlines() if line.split()}
    assert {"when", "eur", "y"} <= names and not {"x0", "t0"} & names
    assert "note: column 'eur': a decimal comma" in said
    assert said.endswith("all columns: --columns-report\n")
    out, file = written()
    reading_report.show_readings(out, wide(), "y", all_of_them=True)
    names = {line.split()[0] for line in file.getvalue().splitlines() if line.split()}
    assert {one.name for one in wide()} <= names


def test_hostile_names_are_escaped():
    """A name cannot move the cursor."""
    out, file = written()
    reading_report.show_readings(out, [Reading("a\x1b[2J", "text", examples=("\x1b]0;x",))])
    assert "\x1b" not in file.getvalue() and "a\\x1b[2J" in file.getvalue()


def test_sentences_are_wrapped_on_a_terminal_alone():
    """Between words, below their beginning; in a pipe a line is one."""
    file = io.StringIO()
    text = "these words are more than a narrow terminal can show in a line"
    PlainConsole(file=file, width=40, force_terminal=True, color_system=None).tell(text, "note: ")
    lines = file.getvalue().splitlines()
    assert "note: these words are more than a" == lines[0]
    assert ["      narrow terminal can show in a", "      line"] == lines[1:]
    out, file = written(40)
    out.tell(text, "note: ")
    assert f"note: {text}\n" == file.getvalue()


# What is said of the scores

NAN = float("nan")


def interval(value, low=NAN, high=NAN):
    return SimpleNamespace(value=value, low=low, high=high)


def test_scores_of_several_metrics():
    """An interval beside the first metric; no sign before zero, and none where it has no ends."""
    scores = {
        "network": {"ROC AUC": interval(0.91234, 0.88, 0.94), "log loss": interval(0.25)},
        "the mean": {"ROC AUC": interval(-0.00001), "log loss": interval(1.0)},
    }
    compared = SimpleNamespace(metric="ROC AUC", metrics=("ROC AUC", "log loss"), scores=scores)
    out, file = written()
    out.print(table_results.result_table(SimpleNamespace(comparison=compared, test_rows=range(7))))
    rows = [line.replace("│", " ").split() for line in file.getvalue().splitlines()]
    assert ["7", "rows", "not", "seen", "in", "training"] == rows[0]
    assert ["network", "0.9123", "0.880", "to", "0.940", "0.2500"] in rows
    assert ["the", "mean", "0.0000", "1.0000"] in rows


def test_scores_that_the_rows_do_not_define():
    """A dash in the table, null in the card: the model is saved all the same."""
    assert ("-", "0.500") == tuple(table_results.decimals(x, 3) for x in (float("nan"), 0.5))
    cards = []
    model = SimpleNamespace(save=lambda path, card: cards.append(card))
    made = outcome.Outcome(
        model, "t.csv", "y", "regression", 80, 20, "R2", float("nan"), {"the mean": float("nan")},
        "chainrule train t.csv", False,
    )  # fmt: skip
    made.save(Path("t.safetensors"))
    assert (None, {"the mean": None}) == (cards[0]["score"], cards[0]["baselines"])


def test_thresholds_honest_scores_and_advice_name_their_options():
    """Numbers beside those without; an option once."""
    chosen = Threshold("yes", 0.2, "F1", None, 50, 0.5, 0.75, 0.6, 3, 1, 0.25, None, None, 12, 10)
    (line,) = table_results.threshold_lines(chosen)
    assert "'yes' is predicted from a probability of 0.2 on" in line
    assert "F1 0.600 instead of 0.250 from 0.5 on, precision 0.500, recall 0.750" in line
    (line,) = table_results.threshold_lines(
        replace(chosen, total_cost=8.0, total_cost_at_half=21.0)
    )
    assert "errors cost 8 instead of 21 from 0.5 on" in line and "too few" not in line
    (line,) = table_results.threshold_lines(replace(chosen, test_positives=1))
    assert line.endswith("chosen by 12 and tested on 1 rows of 'yes': too few to rely on.")
    score = HonestScore("group", "patient", "trees", "R2", 0.9, 0.5, "--group patient")
    assert (
        "trees have R2 0.900 on random rows, and 0.500 on other groups of 'patient': "
        f"--group{TOGETHER}patient" == table_results.honest_line(score)
    )
    advice = Advice("leak", ("a",), "'a' alone tells it.", "--drop a")
    assert f"'a' alone tells it. --drop{TOGETHER}a" == table_results.advice_line(advice)
    said = replace(advice, message="It is left out (--drop a).")
    assert "It is left out (--drop a)." == table_results.advice_line(said)


# What is asked


class Terminal(io.StringIO):
    def isatty(self):
        return True


HOUSES = Table("h.csv", pd.DataFrame({"rooms": [1, 2], "price": [1.0, 2.0], "town": ["a", "b"]}))


def likely(frame):
    return "price", "columns of this name are often predicted"


@pytest.mark.parametrize(
    ("typed", "answer", "said"),
    [("\n", "price", ""), ("rooms\n", "rooms", ""), ("ROOMS\n", "rooms", ""),
     ("area\nto\ntown\n", "town", "there is no column 'to': is it 'town'?")],
)  # fmt: skip
def test_the_target_is_asked_for(typed, answer, said):
    """Enter accepts; a name is looked for in any case; a wrong one is asked for again."""
    out, file = written()
    stderr = Terminal()
    assert answer == asking.ask_target(HOUSES, likely, out, Terminal(typed), stderr)
    assert "'price' is the likeliest column to predict: columns of this name" in file.getvalue()
    assert "column to predict [price]: " in stderr.getvalue()
    assert said in stderr.getvalue()


def test_the_end_of_the_input_ends_the_command():
    """Ctrl-D is no answer."""
    with pytest.raises(KeyboardInterrupt):
        asking.ask_target(HOUSES, likely, written()[0], Terminal(""), Terminal())


def test_without_a_terminal_the_likeliest_is_taken():
    """And it is said so; a source that names its target is not asked about."""
    for streams in ((io.StringIO("rooms\n"), Terminal()), (Terminal("rooms\n"), io.StringIO())):
        out, file = written()
        assert "price" == asking.ask_target(HOUSES, likely, out, *streams)
        assert "taking 'price'; another one: --target COLUMN" in file.getvalue()
    closed = io.StringIO()
    closed.close()
    assert "price" == asking.ask_target(HOUSES, likely, written()[0], closed, Terminal())
    named = Table("iris", HOUSES.frame, "town")
    out, file = written()
    assert ("town", "") == (asking.ask_target(named, likely, out), file.getvalue())


# What options mean


def test_kinds_from_a_file_and_from_words(tmp_path):
    """`--as` overrules `--columns`; both can be repeated in a command."""
    path = tmp_path / "columns.toml"
    path.write_text('"zip" = "number"\nwhen = "date"\n')
    kinds = column_kinds.column_kinds(path, ["zip=text,id=ignore", "a b=number"])
    assert {"zip": "text", "when": "date", "id": "ignore", "a b": "number"} == kinds
    again = column_kinds.column_kinds(None, column_kinds.write_kinds(kinds))
    assert kinds == again


HOSTILE = 'a "b"\n# c = \\ \x1b\x7f é'


@pytest.mark.parametrize("name", ["columns.toml", "columns.json"])
def test_kinds_are_written_and_read_again(tmp_path, name):
    """Whatever the names of columns hold; reasons and notes are comments of TOML."""
    readings = [
        Reading("zip", "text", "codes", 0.0, ("00123",), ("cut\nhere",)),
        Reading(HOSTILE, "number", HOSTILE, 0.0, (HOSTILE,), (HOSTILE,)),
    ]
    path = column_kinds.write_columns(tmp_path / name, readings)
    text = path.read_text()
    values = json.loads(text) if name.endswith("json") else tomllib.loads(text)
    assert {"zip": "text", HOSTILE: "number"} == values
    assert values == column_kinds.column_kinds(path, None)
    assert name.endswith("json") or "# cut here\n" in text


def test_costs_and_switches():
    """What the words become, and how a command writes them again."""
    options = {option.name: option for option in table_options.OPTIONS}
    assert (1.0, 20.5) == options["cost"].parse("1,20.5")
    assert "1,20.5" == options["cost"].write((1.0, 20.5))
    for wrong in ("1", "1,a", "0,1", "1,2,3", "nan,1"):
        with pytest.raises(DataError, match="a false positive and a false negative cost"):
            options["cost"].parse(wrong)
    for name in ("keep-identifiers", "no-checks"):
        option = options[name]
        assert (False, True) == (option.parse(True), option.write(False))
    with pytest.raises(DataError, match="--split fair: give random, time or group"):
        options["split"].parse("fair")


def test_every_option_of_tables_reaches_the_training():
    """`TrainOptions` has what was said."""
    arguments = {option.argument: option.default for option in table_options.OPTIONS}
    arguments |= {"by": "when", "deduplicate": True, "log": True, "cost": "1,9", "drop": ["a"],
                  "keep_identifiers": True, "no_checks": True}  # fmt: skip
    chosen = train_options(table_options.OPTIONS, arguments, {"zip": "text"}, 0.25, 3)
    assert ("when", True, True, (1.0, 9.0)) == (
        chosen.by, chosen.deduplicate, chosen.log, chosen.cost)  # fmt: skip
    assert (("a",), False, False) == (chosen.drop, chosen.drop_identifiers, chosen.advise)
    assert ({"zip": "text"}, 0.25, 3) == (
        chosen.column_kinds, chosen.test_fraction, chosen.random_state)  # fmt: skip
    values = table_options.option_values(chosen)
    assert (True, True, "1,9", "when") == (
        values["keep-identifiers"], values["no-checks"], values["cost"], values["by"])  # fmt: skip
    with pytest.raises(DataError, match="contradict each other"):
        train_options(table_options.OPTIONS, {**arguments, "group": "g"}, {}, 0.2, 0)


def test_arrays_as_a_table(tmp_path):
    """Rows and what to predict of them, by any names; pictures are no table."""
    path = tmp_path / "m.npz"
    np.savez(
        path, rows=np.arange(6.0).reshape(3, 2), kind=["a", "b", "a"], cubes=np.zeros((3, 2, 2))
    )
    table = sources.Source((str(path),), x="rows", y="kind").read()
    assert ("kind", ["x0", "x1", "kind"]) == (table.target, list(table.frame.columns))
    assert [4.0, 5.0, "a"] == table.frame.iloc[2].tolist()
    with pytest.raises(DataError, match=r"shapes \(3, 2, 2\) and \(3,\)"):
        sources.Source((str(path),), x="cubes", y="kind").read()
    with pytest.raises(DataError, match="iris is none"):
        sources.Source(("iris",), x="rows", y="kind").read()


def test_a_command_names_its_source_without_passwords():
    """It reads the same again, and may be shown to others; a file can be called as a kind."""
    address = "postgresql://me:secret@example.org/shop"
    source = sources.Source((address,), query="select 1")
    assert ["postgresql://me@example.org/shop"] == source.words
    rest = dict.fromkeys(("sheet", "x", "y", "encoding"))
    assert {"query": "select 1", **rest} == source.options
    assert ["./images", "a.csv"] == sources.Source(("images", "a.csv")).words


# The whole way


def test_from_office_to_model(run):
    """What was said of the columns is saved with the model, shown, and part of its command."""
    offices(60).to_csv("o.csv", index=False)
    words = ("train", "o.csv", "-t", "y", "--as", "id=ignore,kind=text", *QUICK)
    code, out, err = run(*words)
    assert (0, "") == (code, err), err
    assert "left out" in out and "number" in out
    model = chainrule.load("o.safetensors")
    command = shlex.split(model.card_["command"])
    assert ["id=ignore", "kind=text"] == [
        word for before, word in pairwise(command) if before == "--as"
    ]
    first = {column.name for column in model.features_.columns}
    assert {"when", "price", "kind"} == first
    raw = offices(60).drop(columns=["id", "y"])
    typed = model.predict(raw)  # cells as they were written
    assert 60 == len(typed)
    told = {
        c["name"]: c for c in json.loads(run("inspect", "o.safetensors", "--json")[1])["columns"]
    }
    assert ("number", "date") == (told["price"]["kind"], told["when"]["kind"])
    assert told["price"]["why"] and told["price"]["missing"] == pytest.approx(0.2, abs=0.02)
    before = model.network_.coefs_[0]
    assert 0 == run(*command[1:])[0]
    np.testing.assert_array_equal(before, chainrule.load("o.safetensors").network_.coefs_[0])


def test_columns_are_written_to_be_edited(run):
    """Nothing is trained; the file can be given back."""
    offices().to_csv("o.csv", index=False)
    code, out, err = run("train", "o.csv", "-t", "y", "--write-columns", "c.toml")
    assert (0, "") == (code, err)
    assert "wrote c.toml: edit it, and train with --columns c.toml" in out
    assert not Path("o.safetensors").exists()
    kinds = tomllib.loads(Path("c.toml").read_text())
    assert {"id": "text", "when": "date", "price": "number", "kind": "text", "y": "number"} == kinds
    code, _, err = run("train", "o.csv", "-t", "y", "--columns", "c.toml", "-o", "c.toml")
    assert (2, 1) == (code, err.count("\n"))
    assert "--output c.toml would replace what is read from c.toml" in err


MISTAKES = {
    "no kind": (["--as", "price=money"], "price"),
    "no column": (["--as", "cost=number"], "cost"),
    "no equals sign": (["--as", "price"], "price"),
    "no file": (["--columns", "no.toml"], "no.toml"),
    "not numbers": (["--as", "kind=number"], "kind"),
    "target left out": (["--as", "y=ignore"], "is the target"),
    "bad split": (["--split", "fair"], "--split fair"),
    "no groups": (["--split", "group"], "--group COLUMN"),
    "by and group": (["--by", "when", "--group", "kind"], "contradict each other"),
    "bad cost": (["--cost", "1"], "--cost '1'"),
    "by no column": (["--by", "date"], "no column 'date'"),
    "no folder": (["--write-columns", "no/c.toml"], "with --write-columns"),
    "an array": (["--x", "a", "--y", "b"], "NPZ"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_of_options_take_one_line(run, mistake):
    words, named = MISTAKES[mistake]
    offices().to_csv("o.csv", index=False)
    code, _, err = run("train", "o.csv", "-t", "y", "-q", *QUICK, *words)
    assert (2, 1) == (code, err.count("\n")), err
    assert named in err


def test_the_help_has_groups_and_kinds(run):
    """Options by what they are about; the kinds of data that can be trained on."""
    code, out, _ = run("train", "table", "--help")
    panels = ["─ Data ─", "─ Columns ─", "─ Splits and checks ─", "─ Model ─", "─ Output ─"]
    places = [out.index(panel) for panel in panels]
    assert (0, places) == (code, sorted(places))
    out = run("train", "--help")[1]
    assert out.index("─ Kinds of data ─") > 0
    for kind in ("table", "images", "audio", "text", "timeseries"):
        assert any(line.strip("│ ").startswith(f"{kind} ") for line in out.splitlines())


def test_the_encoding_is_part_of_the_source(tmp_path):
    """Of a command that reads the same; NPZ files have none."""
    path = tmp_path / "t.csv"
    path.write_bytes("town,n\nŁódź,1\n".encode("cp1250"))
    source = sources.Source((str(path),), encoding="cp1250")
    assert ("Łódź", "cp1250") == (source.read().frame["town"][0], source.options["encoding"])
    with pytest.raises(DataError, match=r"is an NPZ file: give it alone"):
        sources.Source(("m.npz",), encoding="cp1250").read()
