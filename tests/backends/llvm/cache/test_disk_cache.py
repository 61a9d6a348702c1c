"""Code on disk: found again, never trusted blindly, never in the way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.backends import code_cache
from chainrule.cli import main
from chainrule.config import configured


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path / "code"))
    with configured(cache=256, debug=1):
        yield tmp_path / "code"


def run() -> float:
    """Trace and compile anew; the sum of x**2 + 3 over 0, 1, 2."""
    return float(cr.jit(lambda x, i: np.sum(x[i] ** 2 + 3.0))(np.arange(3.0), np.arange(3)))


def said(capsys: pytest.CaptureFixture[str], words: str) -> bool:
    return words in capsys.readouterr().err


def test_the_second_time_it_is_loaded(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same graph, traced again, is not compiled again, and computes the same."""
    assert run() == 14.0
    assert said(capsys, "compiled")
    assert run() == 14.0
    assert said(capsys, "loaded cached code")
    assert all(p.stat().st_mode & 0o077 == 0 for p in folder.glob("*.bin"))


def test_another_constant_is_another_program(folder: Path) -> None:
    """What only differs in the numbers of a constant does not share code."""
    for number in (1.0, 2.0):
        table = np.full(100, number)
        assert float(cr.jit(lambda x, t=table: np.sum(x * t))(np.ones(100))) == 100 * number


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "foreign", "head"])
def test_damaged_files_are_made_again(
    folder: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    """A truncated, changed, empty or foreign file is ignored and replaced."""
    run()
    for path in folder.glob("*.bin"):
        content = bytearray(path.read_bytes())
        if damage == "truncate":
            content = content[: len(content) // 2]
        elif damage == "flip":
            content[-5] ^= 1
        elif damage == "empty":
            content = bytearray()
        elif damage == "foreign":
            content = bytearray(b"\x7fELF" + bytes(500))
        else:
            content[0] ^= 1
        path.write_bytes(content)
    capsys.readouterr()
    assert run() == 14.0
    assert said(capsys, "compiled")
    assert run() == 14.0
    assert said(capsys, "loaded cached code")


posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="POSIX permissions")


@posix
@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777])
def test_a_folder_that_others_may_write_to(
    folder: Path, capsys: pytest.CaptureFixture[str], mode: int
) -> None:
    """It is not used, which is said once, and `cache info` says what to do about it."""
    folder.mkdir(mode=0o700)
    run()
    count = len(list(folder.glob("*.bin")))
    folder.chmod(mode)
    words = rf"not kept on disk: .*written by other users \(mode {mode:o}\): chmod go-w {folder}"
    with pytest.warns(RuntimeWarning, match=words) as told:
        for _ in range(3):
            assert run() == 14.0
            assert not said(capsys, "loaded cached code")
    assert len(told) == 1
    float(cr.jit(lambda x: np.sum(x**3))(np.ones(5)))  # not written to, either
    assert len(list(folder.glob("*.bin"))) == count
    with pytest.raises(SystemExit):
        main(["cache", "info"])
    assert f"chmod go-w {folder}" in capsys.readouterr().out
    folder.chmod(0o700)
    assert run() == 14.0
    assert said(capsys, "loaded cached code")
    with pytest.raises(SystemExit):
        main(["cache", "info"])
    assert "not used" not in capsys.readouterr().out


@posix
def test_a_folder_of_another_user(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not used."""
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(os, "getuid", lambda: os.stat(folder).st_uid + 1)
    with pytest.warns(RuntimeWarning, match="belongs to another user: set CHAINRULE_CACHE_DIR"):
        assert run() == 14.0
    assert not list(folder.glob("*"))


def test_what_killed_writers_left(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts, and goes after an hour; `clear` removes it at once."""
    run()
    monkeypatch.setattr(code_cache._sizes, "place", None)  # as in a new process
    old, new = folder / ".a.bin.x1", folder / ".b.bin.x2"
    for path in (old, new):
        path.write_bytes(bytes(600_000))
    os.utime(old, (1e9, 1e9))
    with configured(cache=1):
        code_cache.store("0" * 64, bytes(300_000))
        assert (False, True) == (old.exists(), new.exists())
        os.utime(folder / f"{'0' * 64}.bin", (1e9, 1e9))
        code_cache.store("1" * 64, bytes(300_000))  # 600 + 300 + 300 kB are more than 1 MiB
    assert {"1" * 64 + ".bin"} <= {path.name for path, _, _ in code_cache.entries()}
    assert not (folder / f"{'0' * 64}.bin").exists()
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["cache", "info"])
    out = capsys.readouterr().out
    assert "unfinished" in out
    assert "0.9 MiB" in out
    assert code_cache.clear() >= 2
    assert not list(folder.iterdir())


@posix
def test_what_others_may_write_is_not_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder or a file that others can write to is not trusted."""
    run()
    for path in folder.glob("*.bin"):
        path.chmod(0o666)
    capsys.readouterr()
    assert run() == 14.0
    assert not said(capsys, "loaded cached code")


def test_a_folder_that_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is cached then, and nothing fails."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path / "file" / "code"))
    with configured(cache=256, debug=1):
        assert run() == 14.0
        assert said(capsys, "not cached")


def test_a_full_disk(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A write that fails leaves no half file."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert run() == 14.0
    assert said(capsys, "No space left")
    assert not list(folder.glob("*"))


def test_the_size_is_bounded(folder: Path) -> None:
    """Beyond the limit the file that was not used for longest goes."""
    with configured(cache=1):
        for k in range(5):
            code_cache.store(f"{k:064d}", bytes(300_000))
            os.utime(folder / f"{k:064d}.bin", (k, k))
        kept = sorted(path.name[63] for path, _, _ in code_cache.entries())
    assert kept == ["2", "3", "4"]


def test_off(folder: Path) -> None:
    """With a limit of 0 nothing is read or written."""
    with configured(cache=0):
        assert run() == 14.0
    assert not folder.exists()


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`chainrule cache info` counts the files, `clear` removes them."""
    run()
    count = len(list(folder.glob("*.bin")))
    capsys.readouterr()
    for words, expected in (("info", str(folder)), ("clear", f"removed {count} file")):
        with pytest.raises(SystemExit) as stop:
            main(["cache", words])
        assert not stop.value.code
        assert expected in capsys.readouterr().out
    assert not list(folder.glob("*.bin"))
