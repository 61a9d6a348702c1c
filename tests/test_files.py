"""Writing files: whole or not at all, where the path leads, with the mode that was there."""

from __future__ import annotations

import errno
import os
import random
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from chainrule import files
from chainrule.files import check_writable, remove_leftovers, temporary_files, write_atomically

fcntl = pytest.importorskip("fcntl")
resource = pytest.importorskip("resource")

OLD, NEW = b"old content", b"new content" * 1000


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "_swept", set())


# What a path is


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_a_link(tmp_path, absolute, depth, there):
    """What it leads to is replaced, or made, also behind several links and in other folders."""
    Path("far").mkdir()
    target = tmp_path / "far" / "model"
    if there:
        target.write_bytes(OLD)
        target.chmod(0o600)
    for k in range(depth):
        Path(f"link{k}").symlink_to(
            Path(f"link{k - 1}") if k else target if absolute else Path("far/model")
        )
    check_writable(f"link{depth - 1}", 10)
    write_atomically(f"link{depth - 1}", NEW)
    assert all(Path(f"link{k}").is_symlink() for k in range(depth))
    assert NEW == target.read_bytes()
    assert ["model"] == os.listdir("far")
    if there:
        assert 0o600 == stat.S_IMODE(target.stat().st_mode)


def test_links_in_a_circle_are_an_error():
    """As opening them is."""
    Path("a").symlink_to("b")
    Path("b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links") as caught:
        write_atomically("a", NEW)
    assert errno.ELOOP == caught.value.errno


@pytest.mark.parametrize("link", [True, False])
def test_a_pipe_is_written_to(link):
    """A named pipe stays one, and whoever reads it gets all bytes."""
    os.mkfifo("pipe")
    Path("link").symlink_to("pipe")
    path, found = "link" if link else "pipe", []
    check_writable(path, 10)
    reader = threading.Thread(target=lambda: found.append(Path("pipe").read_bytes()))
    reader.start()
    write_atomically(path, NEW)
    reader.join(10)
    assert [NEW] == found
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)


def test_devices_stay_devices():
    """/dev/null takes everything, /dev/full nothing."""
    Path("link").symlink_to("/dev/null")
    for path in ("/dev/null", "link"):
        check_writable(path, 2**40)
        write_atomically(path, NEW)
        assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OSError, match="No space") as caught:
        write_atomically("/dev/full", NEW)
    assert errno.ENOSPC == caught.value.errno


@pytest.mark.parametrize("name", ["/dev/stdout", "/proc/self/fd/1", "/dev/fd/1", "link"])
@pytest.mark.parametrize("kind", ["pipe", "append"])
def test_standard_output_is_written_to(name, kind):
    """Also if it is a file that the shell opened to append to, or a file without a name."""
    Path("link").symlink_to("/dev/stdout")
    program = (
        "import sys; from chainrule.files import *; print('before');"
        f"check_writable({name!r}, 9); write_atomically({name!r}, b'data\\n'); print('after')"
    )
    words = [sys.executable, "-c", program]
    if kind == "pipe":
        out = subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout
    else:
        Path("log").write_bytes(b"line\n")
        with open("log", "ab") as log:
            subprocess.run(words, stdout=log, check=True)
        out = Path("log").read_bytes().removeprefix(b"line\n")
    assert [b"before", b"data", b"after"] == out.split()


@pytest.mark.parametrize(
    ("path", "number"),
    [(".", errno.EISDIR), ("no/x", errno.ENOENT), ("x\0y", errno.EINVAL),
     ("n" * 256, errno.ENAMETOOLONG), ("/dev/fd/999", errno.EBADF), ("plain/x", errno.ENOTDIR)],
)  # fmt: skip
def test_no_place(path, number):
    """What opening would say, before and after, and nothing is left behind."""
    Path("plain").write_bytes(OLD)
    for attempt in (lambda: write_atomically(path, NEW), lambda: check_writable(path, 10)):
        with pytest.raises(OSError) as caught:
            attempt()
        assert number == caught.value.errno
    assert ["plain"] == os.listdir()


def test_the_longest_name():
    """255 bytes: the temporary file's name does not grow with it."""
    write_atomically("n" * 255, NEW)
    assert ["n" * 255] == os.listdir()


# Modes


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o666, 0o200, 0o755])
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_mode_is_kept(mode, umask):
    """Of what was there, whatever the umask; a new file's follows the umask, or what is said."""
    before = os.umask(umask)
    try:
        Path("old").write_bytes(OLD)
        os.chmod("old", mode)
        write_atomically("old", NEW)
        write_atomically("new", NEW)
        write_atomically("said", NEW, mode=0o600)
        write_atomically("old said", NEW, mode=mode)
    finally:
        os.umask(before)
    found = [stat.S_IMODE(os.stat(name).st_mode) for name in ("old", "new", "said", "old said")]
    assert [mode, 0o666 & ~umask, 0o600, mode] == found


def test_it_is_never_readable_by_others(monkeypatch):
    """A file of mode 600 has that from its first byte on: the temporary file as well."""
    seen = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (
        seen.append(stat.S_IMODE(os.fstat(handle).st_mode)), real(handle)))  # fmt: skip
    Path("old").write_bytes(OLD)
    os.chmod("old", 0o600)
    write_atomically("old", NEW)
    assert 0o600 == seen[0]


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root gives files away")
def test_the_owner_is_kept():
    """Root writes a user's file, and it stays the user's."""
    Path("old").write_bytes(OLD)
    os.chown("old", 1234, 4321)
    os.chmod("old", 0o640)
    write_atomically("old", NEW)
    state = os.stat("old")
    assert (1234, 4321, 0o640) == (state.st_uid, state.st_gid, stat.S_IMODE(state.st_mode))


def test_another_group_gets_no_more(monkeypatch):
    """Where the group cannot be kept, the new one may what everybody may."""
    Path("old").write_bytes(OLD)
    os.chmod("old", 0o664)
    own = os.stat("old")
    told = os.stat_result((*own[:5], own.st_gid + 1, *own[6:]))
    handle = os.open("new", os.O_CREAT | os.O_RDWR)

    def refused(*given):
        raise PermissionError(errno.EPERM, "no")

    monkeypatch.setattr(os, "fchown", refused)
    files._keep_permissions(handle, Path("old"), told)
    assert 0o644 == stat.S_IMODE(os.fstat(handle).st_mode)
    os.close(handle)


def test_access_lists_and_labels_are_kept():
    """Extended attributes, which hold access lists, too."""
    Path("old").write_bytes(OLD)
    try:
        os.setxattr("old", "user.note", b"mine")
    except OSError:
        pytest.skip("no extended attributes here")
    write_atomically("old", NEW)
    assert b"mine" == os.getxattr("old", "user.note")


# Faults


def as_nobody(attempts: list[Callable[[], None]]) -> int:
    """How many of some attempts end with EACCES, in a process without privileges."""
    number = os.fork()
    if not number:
        count = 0
        with suppress(BaseException):
            if os.getuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            for attempt in attempts:
                try:
                    attempt()
                except OSError as error:
                    count += error.errno == errno.EACCES
        os._exit(count)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def test_a_folder_or_file_without_permission():
    """A folder that may not be written, and a file that may not: an error, nothing changed."""
    with tempfile.TemporaryDirectory() as top:
        folder, path = Path(top, "closed"), Path(top, "x")
        folder.mkdir()
        (folder / "x").write_bytes(OLD)
        path.write_bytes(OLD)
        for place, mode in ((path, 0o444), (folder, 0o555), (Path(top), 0o777)):
            place.chmod(mode)
        attempts = [
            partial(call, place, more)
            for place in (folder / "x", folder / "y", path)
            for call, more in ((write_atomically, b"new"), (check_writable, 1))
        ]
        assert 6 == as_nobody(attempts)
        folder.chmod(0o755)
        assert [OLD, OLD] == [place.read_bytes() for place in (folder / "x", path)]
        assert (["x"], ["closed", "x"]) == (os.listdir(folder), sorted(os.listdir(top)))


STEPS = ("open", "write", "fsync", "fchmod", "replace")


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, "ctrl-c"])
@pytest.mark.parametrize("step", STEPS)
def test_faults_at_each_step(monkeypatch, step, fault, there):
    """Full disk, quota, broken disk, Ctrl-C: the old file stays, nothing else is left, no handle
    stays open, and the next attempt succeeds."""
    if there:
        Path("x").write_bytes(OLD)
        os.chmod("x", 0o600)
    error = KeyboardInterrupt() if fault == "ctrl-c" else OSError(fault, os.strerror(fault))

    def fails(*given, **more):
        if step == "open" and ".part" not in str(given[0]):
            return real(*given, **more)
        raise error

    handles = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    reached = there or step != "fchmod"  # a new file's mode is set when it is made
    with monkeypatch.context() as patched:
        if step == "write":
            make = os.fdopen
            patched.setattr(os, "fdopen", lambda *given: Full(make(*given), error))
        else:
            real = getattr(os, step)
            patched.setattr(os, step, fails)
        if reached:
            with pytest.raises(type(error)):
                write_atomically("x", NEW)
    if sys.platform == "linux":
        assert handles == len(os.listdir("/proc/self/fd"))
    if reached:
        assert (["x"] if there else []) == os.listdir()
        assert not there or OLD == Path("x").read_bytes()
    write_atomically("x", NEW)
    assert NEW == Path("x").read_bytes()
    assert ["x"] == os.listdir()


class Full:
    """A file that takes some bytes, and then no more."""

    def __init__(self, file, error):
        self.file, self.error = file, error

    def write(self, data):
        self.file.write(data[:100])
        raise self.error

    def __getattr__(self, name):
        return getattr(self.file, name)


def test_limits_of_a_process():
    """A file larger than it may be (as with a quota): told before, and no half of it is left."""
    Path("x").write_bytes(OLD)
    program = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))
for call in (lambda: write_atomically("x", bytes(2**20)), lambda: check_writable("x", 2**20)):
    try:
        call()
    except OSError as error:
        print(error.errno)
write_atomically("y", bytes(2**15))
"""
    done = subprocess.run(
        [sys.executable, "-c", "from chainrule.files import *\n" + program],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [str(errno.EFBIG)] * 2 == done.stdout.split()
    assert OLD == Path("x").read_bytes()
    assert ["x", "y"] == sorted(os.listdir())


def test_a_full_disk_is_told_before():
    """More than there is: a clear error, and no room is taken after all."""
    free = os.statvfs(".").f_bavail * os.statvfs(".").f_frsize
    with pytest.raises(OSError) as caught:
        check_writable("x", free + 2**40)
    assert caught.value.errno in (errno.ENOSPC, errno.EFBIG)
    assert [] == os.listdir()


def test_the_old_file_counts_as_well():
    """Both are there until the new one is whole: its room is asked for, too."""
    with open("x", "wb") as file:
        file.truncate(2**42)  # a hole
    with pytest.raises(OSError) as caught:
        check_writable("x", 1)
    assert caught.value.errno in (errno.ENOSPC, errno.EFBIG)


def test_replaced_meanwhile(monkeypatch):
    """Another file, a link or a folder at the place while it is written: never half a file."""
    real = os.fsync
    for k, put in enumerate((
        lambda path: path.write_bytes(b"another"),
        lambda path: path.symlink_to("elsewhere"),
        lambda path: path.mkdir(),
        lambda path: os.mkfifo(path),
    )):  # fmt: skip
        path = Path(f"x{k}")
        state = []

        def meanwhile(handle, path=path, put=put, state=state):
            if not state:
                state.append(put(path))
            real(handle)

        monkeypatch.setattr(os, "fsync", meanwhile)
        if k == 2:
            with pytest.raises(IsADirectoryError):
                write_atomically(path, NEW)
        else:
            write_atomically(path, NEW)
            assert NEW == path.read_bytes()
            assert not path.is_symlink()
    assert [] == temporary_files(".")


def test_many_writers_of_one_file():
    """Whoever reads meanwhile sees the whole of one of them."""
    contents = [bytes([k]) * 50_000 for k in range(8)]
    write_atomically("x", contents[0])
    stop = threading.Event()
    wrong = []

    def read():
        while not stop.is_set():
            found = Path("x").read_bytes()
            if found not in contents:
                wrong.append(len(found))

    reader = threading.Thread(target=read)
    reader.start()
    writers = [
        threading.Thread(target=lambda data=data: [write_atomically("x", data) for _ in range(5)])
        for data in contents
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    stop.set()
    reader.join()
    assert [] == wrong
    assert ["x"] == os.listdir()


def test_data_and_name_are_synchronised(monkeypatch):
    """The file before it gets its name, the folder after."""
    done = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"), sync(handle)
    ))  # fmt: skip
    monkeypatch.setattr(os, "replace", lambda *given: (done.append("replace"), replace(*given)))
    write_atomically("x", NEW)
    assert ["file", "replace", "folder"] == done
    write_atomically("x", OLD, durable=False)
    assert ["file", "replace", "folder", "replace"] == done
    assert OLD == Path("x").read_bytes()


# Writers that are killed

WRITER = """
import sys
from chainrule.files import write_atomically
print("began", flush=True)
while True:
    for letter in b"ab":
        write_atomically(sys.argv[1], bytes([letter]) * 200_000)
"""


def killed(path: str, seconds: float) -> None:
    """A process that writes a file again and again, killed after some time."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("times", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_any_moment(monkeypatch, times):
    """The file is whole, and what the killed one left is removed by the next writer."""
    draw, left = random.Random(0), 0
    write_atomically("x", b"a" * 200_000)
    for _ in range(times):
        killed("x", draw.uniform(0, 0.05))
        assert Path("x").read_bytes() in (b"a" * 200_000, b"b" * 200_000)
        left += len(temporary_files("."))
        monkeypatch.setattr(files, "_swept", set())
        write_atomically("y", NEW)
        assert ["x", "y"] == sorted(os.listdir())
    if times > 10:
        assert left > 0


def test_leftovers_and_those_that_are_none(monkeypatch):
    """Removed: of killed writers here, and old ones of other machines. Not: of those that live,
    young ones of other machines, and whatever else is in the folder."""
    old = time.time() - 2 * files.DAY
    own = files._host()
    names = {
        "dead": f".chainrule-{own}-1.part", "alive": f".chainrule-{own}-2.part",
        "far": ".chainrule-00000000-3.part", "far old": ".chainrule-00000000-4.part",
        "user's": ".chainrule-notes", "part": "x.part",
    }  # fmt: skip
    for name in names.values():
        Path(name).write_bytes(OLD)
    os.utime(names["far old"], (old, old))
    os.utime(names["part"], (old, old))
    os.symlink("x.part", f".chainrule-{own}-5.part")
    with open(names["alive"], "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert 5 == len(temporary_files("."))
        assert 2 == remove_leftovers(".")
        gone = {name for name, path in names.items() if not Path(path).exists()}
        assert {"dead", "far old"} == gone
    assert [] == temporary_files("no such folder")
    assert 0 == remove_leftovers("no such folder")


def test_swept_before_the_lock(monkeypatch):
    """A sweeper between making and locking: another temporary file is made."""
    real, swept = files._lock, []

    def late(handle, wait):
        if wait and not swept:
            swept.append(remove_leftovers("."))
        return real(handle, wait)

    monkeypatch.setattr(files, "_lock", late)
    files._swept.add(os.path.realpath("."))
    write_atomically("x", NEW)
    assert [1] == swept
    assert NEW == Path("x").read_bytes()
    assert ["x"] == os.listdir()


def test_a_forked_writer(tmp_path):
    """A child that a fork made writes under its own process's numbers of open files."""
    number = os.fork()
    if not number:
        with suppress(BaseException):
            handle = os.open("direct", os.O_CREAT | os.O_WRONLY)
            write_atomically(f"/proc/self/fd/{handle}", NEW)
            os._exit(0)
        os._exit(1)
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    assert NEW == Path("direct").read_bytes()


def test_limits_are_this_processs_own():
    """None of the tests above changed ours."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY


def test_a_log_grows_by_whole_lines(tmp_path):
    """A line that a killed writer left is ended first; links are followed, modes stay."""
    log, link = tmp_path / "a.log", tmp_path / "link.log"
    files.append_durably(log, b"one\n")
    link.symlink_to(log)
    log.chmod(0o600)
    files.append_durably(link, b"two\n")
    with open(log, "ab") as file:
        file.write(b"thr")
    files.append_durably(log, b"four\n")
    assert b"one\ntwo\nthr\nfour\n" == log.read_bytes()
    assert 0o600 == log.stat().st_mode & 0o777 and link.is_symlink()
    with pytest.raises(OSError, match="Is a directory"):
        files.append_durably(tmp_path, b"five\n")
    files.append_durably("/dev/null", b"six\n")
