"""A worker process: reads a task and its model, carries it out, writes the answer, until there are no more.

It ends with the process that started it, however that ends: the pipe between them closes then.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
from typing import IO

from allocator.batches.work import Task, carry_out
from allocator.model import Model

Work = tuple[Task, Model]


def serve(read: IO[bytes], write: IO[bytes]) -> None:
    """Answer tasks until the pipe closes; a task that is at work then is given up, as nobody waits for it."""
    tasks: queue.SimpleQueue[Work] = queue.SimpleQueue()

    def listen() -> None:
        try:
            while True:
                tasks.put(pickle.load(read))
        except (EOFError, OSError, pickle.UnpicklingError):
            os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        pickle.dump(carry_out(*tasks.get()), write, protocol=pickle.HIGHEST_PROTOCOL)
        write.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whom started it
    # What native code prints must not stand among the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)
