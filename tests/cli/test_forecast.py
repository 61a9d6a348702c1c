"""`chainrule forecast`, `evaluate` and `predict`: numbers, files, exit codes, wrong words."""

from __future__ import annotations

import io
import json
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hostile_names import names, steers

import chainrule
from chainrule import escape
from chainrule.cli import models

pytestmark = pytest.mark.usefixtures("_unoptimised")

WEEK = np.array([0.0, 1.0, 2.0, 3.0, 5.0, 9.0, -4.0])
RIDGE = ("--members", "ridge")
ROLES = ("--time", "date", "--target", "units")
STORES = (*ROLES, "--id", "store", "--horizon", 7, *RIDGE)


def sales(days=98, stores=("north", "south"), start="2024-01-01"):
    """Sales with a weekly season; on days of a promotion 5 more are sold, which tells it apart."""
    rng = np.random.default_rng(3)
    frames = []
    for k, store in enumerate(stores, 1):
        promo = (np.arange(days) * (k + 4) % 11 < 2).astype(int)
        units = 30 * k + k * WEEK[np.arange(days) % 7] + 5 * promo + rng.normal(size=days)
        frames.append(pd.DataFrame({
            "date": pd.date_range(start, periods=days).strftime("%Y-%m-%d"), "store": store,
            "units": units.round(2), "promo": promo,
        }))  # fmt: skip
    return pd.concat(frames, ignore_index=True)


@pytest.fixture
def folder(run):
    """An empty folder with sales.csv."""
    run("--version")
    sales().to_csv("sales.csv", index=False)
    return Path()


def test_the_forecast_is_that_of_the_forecaster(run, folder):
    """The file holds what the API forecasts, the model as well; a line says what is read."""
    code, out, err = run("forecast", "sales.csv", *STORES, "--windows", 2, "--levels", "80,90")
    assert (0, "wrote 14 rows to sales-forecast.csv\n") == (code, err)
    assert out.startswith("sales.csv: 2 series of 98 steps, freq D, season of 7 steps, no gaps, "
                          "no duplicates, kind level\n")  # fmt: skip
    model = chainrule.Forecaster(horizon=7, members=("ridge",), random_state=0)
    model.fit(sales(), id="store", time="date", target="units")
    expected = model.predict([80, 90])
    written = pd.read_csv("sales-forecast.csv", parse_dates=["date"])
    assert list(expected.columns) == list(written.columns)
    np.testing.assert_allclose(written["forecast"], expected["forecast"], rtol=1e-12)
    np.testing.assert_allclose(written["hi-90"], expected["hi-90"], rtol=1e-12)
    assert ["2024-04-08", "2024-04-14"] == [str(written.date[k].date()) for k in (0, 13)]
    loaded = chainrule.load("sales.safetensors")
    np.testing.assert_array_equal(loaded.predict()["forecast"], expected["forecast"])
    card = loaded.card_
    assert ("forecasting", "units", "store") == (card["task"], card["target"], card["id"])
    assert "The forecast beats the seasonal naive forecast by" in card["verdict"]
    assert "use it with: chainrule forecast predict sales.safetensors NEW_ROWS\n" in out


def test_the_drawing_is_of_the_named_series(run, folder, monkeypatch):
    """History, forecast and its first day stand in the terminal, at 60 columns too."""
    monkeypatch.setenv("COLUMNS", "60")
    code, out, _ = run("forecast", "sales.csv", *STORES, "--windows", 1, "--series", "south")
    assert 0 == code
    lines = out.splitlines()
    drawn = [line for line in lines if "│" in line]
    assert 12 == len(drawn) and "south" == lines[lines.index(drawn[0]) - 1]
    assert max(map(len, drawn)) <= 60
    assert any("┊" in line for line in drawn) and any("░" in line for line in drawn)
    assert "the forecast from 2024-04-08" in " ".join(out.split())
    [labels] = [line.split() for line in lines if "2024-03-15" in line]
    assert "2024-04-14" == labels[-1]


def test_the_backtest_table_has_the_scores_of_the_api(run, folder):
    """Each model's MASE to three digits; explicit numbers of the seasonal naive forecast."""
    _, out, _ = run("forecast", "sales.csv", *STORES, "--windows", 3)
    model = chainrule.Forecaster(horizon=7, members=("ridge",), random_state=0)
    result = model.backtest(sales(), id="store", time="date", target="units", n_windows=3)
    for name, score in result.scores()["MASE"].items():
        [line] = [line for line in out.splitlines() if line.startswith(f"{name} ")]
        assert f"{score:.3f}" == line[len(name) :].split()[0]
    errors = []
    for _, rows in sales().groupby("store"):
        y = rows["units"].to_numpy()
        for origin in (77, 84, 91):
            scale = np.mean(np.abs(y[7:origin] - y[: origin - 7]))
            errors.append(np.mean(np.abs(y[origin : origin + 7] - y[origin - 7 : origin])) / scale)
    [line] = [line for line in out.splitlines() if line.startswith("seasonal naive ")]
    assert f"{np.mean(errors):.3f}" == line.split()[2]


def test_known_covariates_of_the_next_steps(run, folder):
    """In rows without a target or in --future they give the same; without them, it is said."""
    frame = sales()
    frame["units"] = frame["units"].where(frame["date"] < "2024-04-01")
    frame.to_csv("open.csv", index=False)
    past = frame[frame["units"].notna()]
    past.to_csv("past.csv", index=False)
    ahead = frame[frame["units"].isna()].drop(columns="units")
    ahead.to_csv("ahead.csv", index=False)
    words = (*STORES, "--known", "promo", "--windows", 0)
    assert 0 == run("forecast", "open.csv", *words)[0]
    assert 0 == run("forecast", "past.csv", *words, "--future", "ahead.csv")[0]
    one, other = (pd.read_csv(f"{name}-forecast.csv") for name in ("open", "past"))
    pd.testing.assert_frame_equal(one, other)
    truth = sales()["units"][frame["units"].isna()].to_numpy()
    assert np.mean(np.abs(one["forecast"] - truth)) < 1.5  # a promotion is worth 5
    before = sorted(folder.iterdir())
    for command in (["forecast", "past.csv", *words], ["forecast", "predict", "past.safetensors"]):
        code, _, err = run(*command)
        assert (2, 1) == (code, err.count("\n"))
        assert "needs the next 7 steps after 2024-03-31 of series 'north'" in err
        assert "--future future.csv" in err and "'units' left empty" in err
    ahead.iloc[1:].to_csv("ahead.csv", index=False)
    code, _, err = run("forecast", "past.csv", *words, "--future", "ahead.csv")
    assert 2 == code
    assert "known covariate 'promo' has no value for id 'north' at 2024-04-01: --future must" in err
    assert before == sorted(folder.iterdir())


def test_parquet_and_report(run, folder):
    """Other names, other forms; the page holds the verdict and a chart for each series."""
    code, out, _ = run("forecast", "sales.csv", *STORES, "--windows", 2, "--out", "f.parquet",
                       "--model", "m.safetensors", "--report", "--levels", "90")  # fmt: skip
    assert 0 == code and "wrote sales.html: open it in a browser" in out
    frame = pd.read_parquet("f.parquet")
    assert ["store", "date", "forecast", "lo-90", "hi-90"] == list(frame.columns)
    assert "datetime64" in str(frame["date"].dtype)
    page = Path("sales.html").read_text()
    assert chainrule.load("m.safetensors").card_["verdict"] in page
    assert 2 == page.count("forecast from past origins</li>")
    for heading in ("Verdict", "Forecast", "Backtest", "Intervals", "Committee",
                    "What the forecast hangs on", "Repeat it"):  # fmt: skip
        assert f"{heading}</h2>" in page
    assert {"sales.csv", "sales.html", "f.parquet", "m.safetensors"} == {
        path.name for path in folder.iterdir()
    }


def test_the_command_of_the_card_gives_the_same_bytes(run, folder):
    """Of a run whose settings are all its own."""
    words = (
        "--season",
        "7",
        "--freq",
        "D",
        "--kind",
        "level",
        "--levels",
        "70",
        "--past",
        "promo",
        "--duplicates",
        "first",
        "--fill-gaps",
        "zero",
        "--seed",
        5,
        "--windows",
        1,
    )
    assert 0 == run("forecast", "sales.csv", *STORES, *words)[0]
    first = Path("sales-forecast.csv").read_bytes()
    command = chainrule.load("sales.safetensors").card_["command"]
    Path("sales-forecast.csv").unlink()
    assert 0 == run(*shlex.split(command)[1:])[0]
    assert first == Path("sales-forecast.csv").read_bytes()


def test_gaps_and_duplicates_are_counted(run, folder):
    """A missing row, an empty cell, and a row that stands twice."""
    frame = sales(stores=("north",)).drop(columns="store").drop(index=10)
    frame.loc[30, "units"] = np.nan
    pd.concat([frame, frame.iloc[[50]]]).to_csv("g.csv", index=False)
    code, out, err = run("forecast", "g.csv", *ROLES, "--horizon", 7, *RIDGE, "--windows", 0)
    assert 0 == code
    assert (
        "1 series of 98 steps, freq D, season of 7 steps, 2 gaps filled, 1 duplicate dropped" in out
    )
    assert "note: " in err and "backtest" not in out


def test_evaluate_as_json(run, folder):
    """The coverage and the errors can be counted again from the forecasts that are written."""
    code, out, err = run("forecast", "evaluate", "sales.csv", *STORES, "--windows", 4, "--step", 3,
                         "--json", "--out", "e.csv")  # fmt: skip
    assert (0, "wrote 56 rows to e.csv\n") == (code, err)
    facts, rows = json.loads(out), pd.read_csv("e.csv")
    assert (4, 2, 7, "units") == tuple(facts[k] for k in ("windows", "series", "horizon", "target"))
    assert 2 * 4 == len(rows.groupby(["store", "cutoff"]))
    for entry in facts["coverage"]:
        low, high = rows[f"lo-{entry['level']:g}"], rows[f"hi-{entry['level']:g}"]
        covered = np.mean((rows["units"] >= low) & (rows["units"] <= high))
        assert covered == pytest.approx(entry["covered"]) and 56 == entry["values"]
    smape = 200 * abs(rows["units"] - rows["forecast"]) / (rows["units"] + rows["forecast"])
    assert smape.mean() == pytest.approx(facts["scores"]["forecaster"]["sMAPE"])
    assert facts["scores"]["forecaster"]["CRPS"] < facts["scores"]["naive"]["CRPS"]
    assert "beats the seasonal naive forecast" in facts["verdict"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--windows", "0"], "--windows 0: give a whole number from 1"),
        (["--step", "0"], "--step 0: give a whole number from 1"),
        (["--refit", "never"], "--refit never: give auto, always, once, or a number of windows"),
        (["--windows", "99"], "give --windows 13 at most"),
        (["--out", "e.json"], "--out e.json: give a name that ends in .csv"),
        (["--target", "store"], "'store' is both"),
    ],
)
def test_wrong_words_of_evaluate(run, folder, words, message):
    """One line, exit code 2, nothing written."""
    code, out, err = run("forecast", "evaluate", "sales.csv", *STORES, *words)
    assert (2, "", 1) == (code, out, err.count("\n")), err
    assert message in err and ["sales.csv"] == [path.name for path in folder.iterdir()]


def test_prices_are_no_better_than_yesterdays(run, folder):
    """Of a random walk, in those words, in the terminal, as JSON and in the report."""
    walk = 100 * np.exp(np.cumsum(0.01 * np.random.default_rng(1).normal(size=260)))
    days = pd.bdate_range("2024-01-01", periods=260).strftime("%m/%d/%Y")
    pd.DataFrame({"day": days, "close": walk}).to_csv("p.csv", index=False)
    words = ("--time", "day", "--horizon", 2, "--windows", 20)
    code, out, _ = run("forecast", "p.csv", *words, "--report")
    assert 0 == code and "freq B, no season" in out and "kind price" in out
    assert "no better than yesterday's price" in " ".join(out.split())
    assert "no better than yesterday&#x27;s price" in Path("p.html").read_text()
    _, out, _ = run("forecast", "evaluate", "p.csv", *words, "--json")
    assert json.loads(out)["skill"]["claimed"] is False


def test_networks_are_told_of(run, folder):
    """Their steps are an option; the page and `inspect` know their layers and losses."""
    words = (*STORES, "--members", "ridge,nbeats", "--max-steps", 60, "--windows", 0, "--report")
    assert 0 == run("forecast", "sales.csv", *words)[0]
    model = chainrule.load("sales.safetensors")
    assert 2 == len(model.history_) and all(model.history_.values())
    assert "--max-steps 60" in model.card_["command"]
    page = Path("sales.html").read_text()
    for heading in ("Learning curves", "What each block of the N-BEATS adds"):
        assert f"{heading}</h2>" in page
    assert "N-BEATS (B. N. Oreshkin et al., 2020)" in page
    _, out, _ = run("inspect", "sales.safetensors", "--json")
    described = json.loads(out)
    assert described["parameters"] == sum(y["parameters"] for y in described["layers"]) > 1000
    assert any("last loss" in name for name in described["training"])


def test_counts_have_a_page_of_their_own_words(run, folder):
    """Of intermittent demand no committee is shown, and nothing that cannot be explained."""
    sold = np.random.default_rng(0).poisson(0.3, 150)
    days = pd.date_range("2024-01-01", periods=150).strftime("%d.%m.%Y")
    pd.DataFrame({"t": days, "sold": sold}).to_csv("c.csv", index=False, sep=";")
    code, out, _ = run("forecast", "c.csv", "--time", "t", "--horizon", 3, "--report",
                       "--windows", 2)  # fmt: skip
    assert 0 == code and "kind count" in out
    page = Path("c.html").read_text()
    assert "All series are intermittent demand." in page and "Members</caption>" not in page
    assert "What the forecast hangs on</h2>" not in page
    assert "2024-05-30" == pd.read_csv("c-forecast.csv")["t"][0]


def test_predict_goes_on_with_new_rows(run, folder):
    """With the rows since the training it is `update` and `predict`; printed without --out."""
    frame = sales(112)
    frame[frame["date"] < "2024-04-08"].to_csv("sales.csv", index=False)
    assert 0 == run("forecast", "sales.csv", *STORES, "--windows", 0)[0]
    new = frame[frame["date"] >= "2024-04-05"]  # three days that the training had
    new.to_csv("new.csv", index=False)
    model = chainrule.load("sales.safetensors").update(new.assign(date=pd.to_datetime(new["date"])))
    expected = model.predict([80])
    code, out, err = run("forecast", "predict", "sales.safetensors", "new.csv", "--levels", "80")
    assert (0, "") == (code, err)
    printed = pd.read_csv(io.StringIO(out))
    np.testing.assert_allclose(printed["lo-80"], expected["lo-80"], rtol=1e-12)
    assert "2024-04-22" == printed["date"][0]
    code, out, err = run("forecast", "predict", "sales.safetensors", "new.csv", "--out", "f.csv",
                         "--save", "later.safetensors", "--series", "south")  # fmt: skip
    assert 0 == code and "wrote 14 rows to f.csv" in err and out.startswith("south\n")
    code, out, _ = run("forecast", "predict", "later.safetensors", "--levels", "none")
    np.testing.assert_allclose(pd.read_csv(io.StringIO(out))["forecast"], expected["forecast"])
    frame.assign(units=frame["units"] + 1).to_csv("other.csv", index=False)
    code, _, err = run("forecast", "predict", "sales.safetensors", "other.csv")
    assert (2, 1) == (code, err.count("\n")) and "leave the row out, or train anew" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--target", "units"], "how many steps are to be forecast? Give --horizon"),
        (["--horizon", "0"], "--horizon 0: give the steps to forecast, 1 or more"),
        (["--horizon", "7"], "which column of sales.csv has the times? 'date' looks like dates: "
         "give --time date"),
        (["--horizon", "7", "--time", "dat"], "--time dat: sales.csv has no such column (is it "
         "'date'?); it has 'date', 'store', 'units', 'promo'"),
        (["--horizon", "7", "--time", "when"], "it has 'date', 'store', 'units', 'promo'; 'date' "
         "looks like dates"),
        (["--horizon", "7", "--time", "date"], "which column of sales.csv is to be forecast? it "
         "has 'units', 'promo': give --target COLUMN"),
        ([*ROLES, "--horizon", "7"], "are both for 2024-01-01 and differ"),
        ([*STORES, "--known", "promo,price"], "--known price: sales.csv has no such column"),
        ([*STORES, "--horizon", "90"], "--levels none"),
        ([*STORES, "--windows", "20"], "--windows 20 of 7 steps, 7 apart, need 142 steps, and the "
         "longest series has 98: give --windows 13 at most"),
        ([*STORES, "--windows", "-1"], "--windows -1: give how many, or 0"),
        ([*STORES, "--levels", "0.8"], "--levels 0.8: give percents between 1 and 100, such as 80"),
        ([*STORES, "--levels", "much"], "--levels much: give percents"),
        ([*STORES, "--season", "x"], "--season x: give whole numbers from 1"),
        ([*STORES, "--freq", "often"], "--freq often is no frequency"),
        ([*STORES, "--freq", "W"], "is not on --freq W-SUN"),
        ([*STORES, "--kind", "x"], "--kind x: give auto, level, price, count"),
        ([*STORES, "--members", "x"], "--members x: give auto, or some of ridge"),
        ([*STORES, "--max-steps", "0"], "--max-steps 0: give a whole number from 1"),
        ([*STORES, "--fill-gaps", "x"], "--fill-gaps x: give auto, zero, error"),
        ([*STORES, "--series", "x"], "--series x: there is no such series; there are 'north'"),
        ([*STORES, "--out", "f.xls"], "--out f.xls: give a name that ends in .csv or .parquet"),
        ([*STORES, "--out", "no/f.csv"], "cannot write no/f.csv"),
        ([*STORES, "--out", "sales.csv"], "--out sales.csv would replace what is read"),
        ([*STORES, "--model", "no/m"], "cannot write no/m"),
        (["--time", "date", "--target", "store", "--horizon", "7"], "is not a finite number"),
        ([*STORES, "--future", "none.csv", "--known", "promo"], "no file 'none.csv'"),
    ],
)  # fmt: skip
def test_wrong_words(run, folder, words, message):
    """One line, exit code 2, nothing written."""
    code, _, err = run("forecast", "sales.csv", *words)
    assert (2, 1) == (code, err.count("\n")), err
    assert message in err
    assert ["sales.csv"] == [path.name for path in folder.iterdir()]


def test_too_few_steps(run, folder):
    """Of three months nothing can be tested, and of intervals nothing is known."""
    pd.DataFrame({"m": ["2024-01", "2024-02", "2024-03"], "v": [1, 2, 3]}).to_csv("s.csv")
    words = ("forecast", "s.csv", "--time", "m", "--target", "v", "--horizon", 2)
    code, _, err = run(*words)
    assert (2, 1) == (code, err.count("\n")) and "give --levels none" in err
    code, _, err = run(*words, "--levels", "none")
    assert 0 == code and "so there is no backtest" in err
    code, _, err = run(*words, "--levels", "none", "--windows", 1)
    assert 2 == code and "give a shorter horizon" in err


def test_commands_and_tables_of_one_name(run, folder):
    """`train` need not be said; a file that is called evaluate is given with its folder."""
    code, out, _ = run("forecast", "train", "sales.csv", *STORES, "-q", "--windows", 2)
    assert 0 == code
    assert out == run("forecast", "sales.csv", *STORES, "-q", "--windows", 2)[1]
    assert 0 < float(out) < 1
    Path("evaluate").write_text("x")  # a table by its content: a header alone
    code, _, err = run("forecast", "evaluate", *STORES)
    assert 2 == code and "Missing argument" in err
    code, _, err = run("forecast", "./evaluate", *STORES)
    assert 2 == code and "evaluate has a header but no rows" in err
    code, out, _ = run("forecast", "--help")
    assert 0 == code and "[evaluate|predict] DATA" in out


def test_other_commands_know_forecasters(run, folder, trained):
    """`inspect` describes them; `predict` and `evaluate` name the command that is meant."""
    run("forecast", "sales.csv", *STORES, "--windows", 0)
    code, out, _ = run("inspect", "sales.safetensors", "--json")
    described = json.loads(out)
    assert (0, "forecasting", 7) == (code, described["task"], described["training"]["horizon"])
    read_as = {column["name"]: column["read_as"] for column in described["columns"]}
    assert {"store": "names of the series", "date": "times", "units": "what is forecast"} == read_as
    for command in ("predict", "evaluate"):
        code, _, err = run(command, "sales.safetensors", "sales.csv")
        assert (2, 1) == (code, err.count("\n"))
        assert "see chainrule forecast predict sales.safetensors NEW_ROWS" in err
    code, _, err = run("forecast", "predict", trained / "iris.safetensors")
    assert 2 == code and "holds a TabularClassifier, which forecasts no series" in err
    assert not models.is_forecaster(chainrule.load(trained / "iris.safetensors"))


def test_hostile_names(run, folder, monkeypatch):
    """Of columns and series: whole in the card, in files and on the screen; they steer nothing."""
    monkeypatch.setenv("COLUMNS", "100000")
    distinct = list(dict.fromkeys(name.strip() for name in names(7, 20, empty=False)))
    time, target, store, *levels = [name for name in distinct if name][:6]
    frame = sales(stores=tuple(levels)).set_axis([time, store, target, "promo"], axis=1)
    frame.to_parquet("h.parquet")
    code, out, err = run(
        "forecast", "h.parquet", f"--time={time}", f"--target={target}", f"--id={store}",
        "--horizon", 7, *RIDGE, "--windows", 1, "--report", f"--series={levels[1]}",
    )  # fmt: skip
    assert 0 == code and [] == steers(out) == steers(err)
    assert escape.terminal(levels[1]) in out
    card = chainrule.load("h.safetensors").card_
    assert (time, target, store) == (card["time"], card["target"], card["id"])
    written = pd.read_csv("h-forecast.csv")
    assert {escape.spreadsheet(level) for level in levels} == set(written.iloc[:, 0])
    page = Path("h.html").read_text()
    assert [] == steers(page.replace("\t", "")) and "<script" not in page.lower()
    code, out, _ = run("forecast", "predict", "h.safetensors", "--raw-csv")
    assert 0 == code and set(levels) == set(pd.read_csv(io.StringIO(out)).iloc[:, 0])
