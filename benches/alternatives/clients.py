"""Measures downloads with this library's Python package and with its alternatives.

    clients.py ours|requests|httpx|urllib3 URL JOB CALLS

After one call that is not counted, prints the elapsed time and the processor time of all calls
in seconds, and the peak memory in bytes above that of the idle process.
"""

import base64
import sys
import time

import httpx
import pybase64
import requests
import sellercloud_output
import urllib3

HEADERS = {"Authorization": "Bearer token"}


def memory(field: str) -> int:
    """Returns a field of /proc/self/status, in bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))


def main() -> None:
    """Makes the calls."""
    client_name, base, job, calls = sys.argv[1:]
    url = f"{base}/api/QueuedJobs/OutputFile/{job}"
    if client_name == "ours":
        client = sellercloud_output.Client(base, token="token")
        call = lambda: client.get_output_file(job).data
    elif client_name == "requests":
        session = requests.Session()
        call = lambda: base64.b64decode(session.get(url, headers=HEADERS).text)
    elif client_name == "httpx":
        client = httpx.Client(timeout=60)
        call = lambda: base64.b64decode(client.get(url, headers=HEADERS).content)
    else:
        pool = urllib3.PoolManager()
        call = lambda: pybase64.b64decode(
            pool.request("GET", url, headers=HEADERS).data, validate=True
        )
    idle = memory("VmRSS")
    call()
    start, cpu = time.perf_counter(), time.process_time()
    for _ in range(int(calls)):
        call()
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(wall, cpu, memory("VmHWM") - idle)


main()
