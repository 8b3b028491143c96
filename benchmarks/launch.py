"""Run one command and print what it took: ``wall_s cpu_s peak_bytes exit_code``.

A process of its own, with next to nothing loaded: Linux counts the memory of the process that
starts a command towards the command's peak.
"""

import os
import subprocess
import sys
import time

if __name__ == "__main__":
    started = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu_s = usage.ru_utime + usage.ru_stime
    print(wall_s, cpu_s, usage.ru_maxrss * 1024, process.returncode)
