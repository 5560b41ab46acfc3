"""The real AWS CLI, started once: each call of `aws` (beside this file) is a fork of it.

The tests call the CLI hundreds of times, and most of each call was Python importing it. What the CLI computes
from its environment while it is imported (where the file of aliases stands) is not the caller's: a test of that
takes `Cloud::cold`.

Given the path of the socket to listen at and an endpoint to warm up with; prints a line when it is ready. When
standard input ends, so does this, and the socket's directory goes.
"""

import fcntl
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import threading
import traceback

os.environ["HOME"] = os.path.dirname(sys.argv[1])  # nobody's own files
import awscli.clidriver


def become(connection, here, descriptors, call):
    """In the fork: what the caller is, with the caller's descriptors."""
    numbers = call["numbers"]
    # First out of the way of the numbers that are to be taken.
    top = max([64, *numbers]) + 1
    moved = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, top) for one in descriptors]
    link = fcntl.fcntl(connection.fileno(), fcntl.F_DUPFD_CLOEXEC, top)
    os.fchdir(here)
    os.closerange(0, top)
    for one, number in zip(moved, numbers):
        os.dup2(one, number, inheritable=True)
        os.close(one)
    os.environ.clear()
    for name, value in call["variables"].items():
        os.environb[name.encode("latin-1")] = value.encode("latin-1")
    importlib.reload(awscli)  # it writes AWS_DATA_PATH
    sys.argv = ["aws", *(os.fsdecode(word.encode("latin-1")) for word in call["words"])]
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    streams = [(0, "r"), (1, "w"), (2, "w")]
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", errors="surrogateescape" if number < 2 else "backslashreplace", closefd=False) if number in numbers else None
        for number, mode in streams
    )

    def watch():
        select.select([link], [], [])
        os._exit(137)

    threading.Thread(target=watch, daemon=True).start()
    return link


def run():
    try:
        return awscli.clidriver.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else (0 if end.code is None else 1)
    except BaseException:
        traceback.print_exc()
        return 1


def take(connection):
    """The call that stands on a connection."""
    first, descriptors, _, _ = socket.recv_fds(connection, 1, 250)
    text = bytearray(first)
    while not text.endswith(b"\n"):
        more = connection.recv(65536)
        if not more:
            raise EOFError
        text += more
    return descriptors[0], descriptors[1:], json.loads(text)


def warm(endpoint):
    """Everything that a call imports."""
    os.environ.update(AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b", AWS_DEFAULT_REGION="us-east-1")
    said = os.dup(1)
    os.dup2(2, 1)
    for words in (["sts", "get-caller-identity"], ["s3api", "list-buckets"], ["s3", "ls"], ["dynamodb", "list-tables"]):
        awscli.clidriver.create_clidriver().main([*words, "--endpoint-url", endpoint])
    sys.stdout.flush()
    os.dup2(said, 1)
    os.close(said)


def main():
    path, endpoint = sys.argv[1:]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    warm(endpoint)
    assert threading.active_count() == 1, "a fork would lose threads"
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([listener, 0], [], [])
        if 0 in ready:
            shutil.rmtree(os.path.dirname(path), ignore_errors=True)
            os._exit(0)
        connection, _ = listener.accept()
        if os.fork() == 0:
            here, descriptors, call = take(connection)
            link = become(connection, here, descriptors, call)
            code = run()
            for stream in (sys.stdout, sys.stderr):
                try:
                    stream.flush()
                except (OSError, ValueError, AttributeError):
                    pass
            os.write(link, bytes([code & 255]))
            os._exit(0)
        connection.close()


main()
