"""The command before it runs: Ctrl-C while modules load, and flags that are none."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from chainrule.config import Config

INTERRUPTED_AT = """
import os, signal, sys

class Finder:
    def find_spec(self, name, *rest):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
from chainrule.cli import main
main()
"""


def ran(place, *words, **more):
    return subprocess.run(
        [sys.executable, place, *words], capture_output=True, text=True, timeout=120, **more
    )


@pytest.mark.parametrize(
    "name",
    ["chainrule.errors", "chainrule.transforms", "chainrule.cli.train"],
)
def test_interrupted_while_modules_load(tmp_path, name):
    """Exit code 130 and nothing said: as the shell expects of Ctrl-C."""
    place = tmp_path / "chainrule"
    place.write_text(INTERRUPTED_AT.format(name=name))
    done = ran(place, "--version")
    assert (130, "", "") == (done.returncode, done.stdout, done.stderr)


def test_ctrl_c_is_an_exception_elsewhere(tmp_path):
    """In a program that imports us, while modules load and after; in the command once it runs."""
    place = tmp_path / "program.py"
    place.write_text(INTERRUPTED_AT.format(name="chainrule.config"))
    assert "KeyboardInterrupt" in ran(place, "--version").stderr
    place = tmp_path / "chainrule"
    place.write_text(
        "import signal\nimport chainrule.cli\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
    )
    assert 0 == ran(place).returncode


def test_the_package_is_the_command():
    """`python -m chainrule` has its name, its options and its exit codes."""
    done = ran("-m", "chainrule", "predict", "--raw")
    assert (2, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith("Usage: chainrule predict ")
    done = ran("-m", "chainrule", "--version", env={**os.environ, "CHAINRULE_CACHE": "abc"})
    assert (2, 1) == (done.returncode, done.stderr.count("\n"))


@pytest.mark.parametrize(
    ("flag", "value"),
    [("CACHE", "abc"), ("CACHE", "-1"), ("UNPACK", "abc"), ("UNPACK", "-2"), ("DEBUG", "1.5"),
     ("PROGRAMS", "0"), ("BACKEND", "gpu")],
)  # fmt: skip
def test_values_that_flags_refuse(monkeypatch, flag, value):
    """The error names the variable."""
    monkeypatch.setenv(f"CHAINRULE_{flag}", value)
    with pytest.raises(ValueError, match=f"CHAINRULE_{flag}={value!r}: give "):
        Config()


@pytest.mark.parametrize(("flag", "value"), [("CACHE", "-1"), ("BACKEND", "gpu")])
def test_flags_that_are_none(tmp_path, monkeypatch, flag, value):
    """One line that names the variable, exit code 2; a program gets a ValueError."""
    monkeypatch.setenv(f"CHAINRULE_{flag}", value)
    place = tmp_path / "chainrule"
    place.write_text("from chainrule.cli import main\nmain()\n")
    done = ran(place, "cache", "info")
    assert (2, "", 1) == (done.returncode, done.stdout, done.stderr.count("\n"))
    assert done.stderr.startswith(f"chainrule: CHAINRULE_{flag}={value!r}: give ")
    place.rename(tmp_path / "program.py")
    assert f"ValueError: CHAINRULE_{flag}={value!r}: give " in ran(tmp_path / "program.py").stderr
