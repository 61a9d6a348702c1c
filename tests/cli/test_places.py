"""Outputs that would replace what is read, or each other: refused before any work."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def folder(run, trained):
    """The working folder: a table, a model, folders of classes, texts, and links to the table."""
    pd.DataFrame({"a": range(40), "y": ["m", "n"] * 20}).to_csv("ok.csv", index=False)
    Path("ok.html").write_bytes(Path("ok.csv").read_bytes())
    Path("soft.csv").symlink_to("ok.csv")
    os.link("ok.csv", "hard.csv")
    Path("m.safetensors").write_bytes((trained / "iris.safetensors").read_bytes())
    for name in ("a", "b"):
        Path("pics", name).mkdir(parents=True)
        for ending in ("png", "wav", "txt"):
            Path("pics", name, f"0.{ending}").write_bytes(b"")
    Path("t.jsonl").write_text("".join(f'{{"text": "w {k}", "y": "{k % 2}"}}\n' for k in range(20)))
    np.savez("x.npz", x=np.zeros((4, 2, 2)), y=np.arange(4))
    return Path()


@pytest.mark.parametrize(
    "words",
    [
        "train ok.csv -o ok.csv",
        "train ok.csv -o ./pics/../ok.csv",
        "train ok.csv -o soft.csv",
        "train soft.csv -o ok.csv",
        "train ok.csv -o hard.csv",
        "train ok.html --report",
        "train ok.csv --report ok2.html -o ok2.html",
        "train ok.csv --report ok2.html -o ./ok2.html",
        "train images x.npz -o x.npz",
        "train images pics -o pics/a/0.png",
        "train audio x.npz -o x.npz",
        "train audio pics -o pics/a/0.wav",
        "train text t.jsonl -o t.jsonl",
        "train text pics -o pics/b/0.txt",
        "train text t.jsonl -o t.html --report t.html",
        "tune ok.csv -o ok.csv",
        "tune ok.csv --storage ok.csv",
        "tune ok.csv -o s.db --storage s.db",
        "predict m.safetensors ok.csv -o ok.csv",
        "predict m.safetensors ok.csv -o m.safetensors",
        "predict m.safetensors pics -o pics/a/0.png",
        "predict m.safetensors pics/a/0.png -o pics/a/0.png",
        "evaluate m.safetensors ok.html --report ok.html",
        "export m.safetensors -o m.safetensors",
    ],
)
def test_an_output_on_an_input(run, folder, words):
    """One line that names it, exit code 2, and no file is another."""
    if words.startswith("tune"):
        pytest.importorskip("optuna")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    code, out, err = run(*words.split())
    assert (2, "") == (code, out)
    assert 1 == err.count("\n")
    assert "would replace what is read from" in err or "writes, too: choose another" in err
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_older_model_is_replaced(run, folder):
    """And devices take several outputs."""
    Path("ok.safetensors").write_bytes(b"old")
    quick = ("-q", "--epochs", "1", "--hidden-layer-sizes", "2", "--n-members", "1")
    assert 0 == run("train", "ok.csv", *quick)[0]
    assert b"old" != Path("ok.safetensors").read_bytes()
    assert 0 == run("train", "ok.csv", "-o", "/dev/null", "--report=/dev/null", *quick)[0]
