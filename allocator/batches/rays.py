"""Workers of a Ray cluster (https://www.ray.io), for batches that outgrow one machine."""

from __future__ import annotations

import logging
import os
import socket
from typing import Any

from allocator.batches.processes import Death, Ended
from allocator.batches.work import Task, carry_out
from allocator.errors import EngineError
from allocator.model import Model
from allocator.texts import _

PATIENCE = 10.0
"""Seconds in which a cluster must answer."""


class Cluster:
    """An existing cluster, or one on this machine that ends with the batch.

    Parameters
    ----------
    workers : int, optional
        Tasks that are carried out at a time; by default as many as the cluster has cores.
    address : str, optional
        Of the cluster; without one a cluster is started here.

    Raises
    ------
    EngineError
        If Ray is not installed, or there is no cluster at the address.
    """

    def __init__(self, workers: int | None = None, address: str | None = None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            raise EngineError(_("Ray needs a library: pip install 'sales-allocator[ray]'.")) from error
        self._ray = ray
        own: dict[str, Any] = {} if address else {"include_dashboard": False}
        if workers and not address:
            own["num_cpus"] = workers
        try:
            _see(address or "")
            ray.init(address=address or "local", logging_level=logging.ERROR, log_to_driver=False, **own)
        except (OSError, ValueError, RuntimeError, SystemExit) as error:  # Ray leaves where a cluster does not answer
            if address:
                says = _("Cannot join the Ray cluster at {address}: {reason}").format(address=address, reason=error)
            else:
                says = _("Cannot start a Ray cluster here: {reason}").format(reason=error)
            raise EngineError(says) from error
        self.workers = workers or max(int(ray.cluster_resources().get("CPU", 1)), 1)
        self._do = ray.remote(num_cpus=1, max_retries=0)(carry_out)
        self._models: dict[int, Any] = {}
        self._running: dict[Any, str] = {}

    def submit(self, task: Task, model: Model) -> None:
        """Begin a task; its model travels to the cluster once."""
        if id(model) not in self._models:
            self._models[id(model)] = (model, self._ray.put(model))
        self._running[self._do.remote(task, self._models[id(model)][1])] = task.hash

    def wait(self, seconds: float) -> Ended | None:
        """Return a task that has ended; None if none has in this time."""
        ready, _rest = self._ray.wait(list(self._running), num_returns=1, timeout=seconds)
        if not ready:
            return None
        key = self._running.pop(ready[0])
        try:
            return Ended(key, self._ray.get(ready[0]))
        except self._ray.exceptions.RayError as error:  # a task answers whatever fails in it; this is its worker's end
            return Ended(key, Death(str(error).partition("\n")[0]))

    def close(self) -> None:
        """End all tasks; a cluster that was started here ends too."""
        for reference in self._running:
            self._ray.cancel(reference, force=True)
        self._ray.shutdown()


def _see(address: str) -> None:
    """See that somebody listens at an address; Ray itself waits for minutes.

    Raises
    ------
    OSError
        If nobody does.
    """
    host, _colon, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
