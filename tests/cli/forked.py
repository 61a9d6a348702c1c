"""The command in a process of its own, a fork of one that has imported everything already.

An interpreter that starts and imports takes two or three seconds; a fork takes none, and begins
with the command's own work. How the command starts and imports is tested by `test_starting.py`.

``python -IS forked.py ask SOCKET WORDS`` stands for ``chainrule WORDS``: it hands its streams,
folder and environment to the process that listens, passes signals on, and ends as the fork does.
``python forked.py listen SOCKET`` listens until its standard input ends.
"""

import json
import os
import signal
import socket
import sys


def ask(path: str, words: list[str]) -> int:
    """The exit code of the command in a fork."""
    request = json.dumps([words, os.getcwd(), dict(os.environ)]).encode()
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        socket.send_fds(server, [len(request).to_bytes(8, "big")], [0, 1, 2])
        server.sendall(request)
        answers = server.makefile("r", encoding="ascii")
        process = int(answers.readline())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: os.kill(process, number))
        null = os.open(os.devnull, os.O_RDWR)
        for k in (0, 1, 2):  # only the fork has them now: readers see their end
            os.dup2(null, k)
        return int(answers.readline())


def listen(path: str) -> list[str]:
    """The words of a command, in the fork that is to run it; elsewhere it does not return."""
    import select

    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who waits for the forks are not waited for
    while server in select.select([server, 0], [], [])[0]:
        client = server.accept()[0]
        if os.fork():
            client.close()
            continue
        server.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        head, streams, _, _ = socket.recv_fds(client, 8, 3)
        words, folder, environment = json.loads(read(client, int.from_bytes(head, "big")))
        process = os.fork()
        for k, stream in enumerate(streams):
            os.dup2(stream, k)
            os.close(stream)
        if process:
            os.closerange(0, 3)
            client.sendall(f"{process}\n".encode())
            code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            client.sendall(f"{code if code >= 0 else 128 - code}\n".encode())
            break
        client.close()
        begin(folder, environment)
        return words
    os._exit(0)


def read(client: socket.socket, size: int) -> bytes:
    """So many bytes."""
    data = b""
    while len(data) < size:
        data += client.recv(size - len(data))
    return data


def begin(folder: str, environment: dict[str, str]) -> None:
    """Have what a new interpreter would have."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    encoding = environment.get("PYTHONIOENCODING", "utf-8")
    for k, (name, mode) in enumerate({"stdin": "r", "stdout": "w", "stderr": "w"}.items()):
        errors, buffered = ("backslashreplace", 1) if k == 2 else ("strict", -1)
        stream = open(k, mode, buffered, encoding, errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        sys.exit(ask(sys.argv[2], sys.argv[3:]))

    import joblib  # noqa: F401
    import pandas  # noqa: F401
    import sklearn.neural_network  # noqa: F401

    import chainrule  # noqa: F401
    from chainrule.cli import anomaly_watch, main, predict, reporting, train  # noqa: F401

    main(listen(sys.argv[2]))
