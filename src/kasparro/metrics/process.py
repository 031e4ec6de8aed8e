"""What every Prometheus client tells of its process; aioprometheus' own module does not import."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

from aioprometheus.collectors import Counter, Gauge, Registry

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Process:
    """Processor, memory and files of this process."""

    def __init__(self, registry: Registry) -> None:
        self._cpu = Counter("process_cpu_seconds_total", "User and system CPU time.", registry=registry)
        self._resident = Gauge("process_resident_memory_bytes", "Resident memory.", registry=registry)
        self._virtual = Gauge("process_virtual_memory_bytes", "Virtual memory.", registry=registry)
        self._open_fds = Gauge("process_open_fds", "Open file descriptors.", registry=registry)
        self._max_fds = Gauge("process_max_fds", "Most file descriptors it may open.", registry=registry)
        start = Gauge("process_start_time_seconds", "Start, in Unix seconds.", registry=registry)
        start.set({}, time.time())

    def read(self) -> None:
        self._cpu.set({}, time.process_time())
        self._max_fds.set({}, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        if Path("/proc/self/statm").exists():  # Linux only
            self._read_proc(Path("/proc/self"))

    def _read_proc(self, proc: Path) -> None:
        virtual, resident = (int(pages) * _PAGE_BYTES for pages in (proc / "statm").read_text().split()[:2])
        self._virtual.set({}, virtual)
        self._resident.set({}, resident)
        self._open_fds.set({}, sum(1 for _ in (proc / "fd").iterdir()))
