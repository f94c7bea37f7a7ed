"""What users of Python would write, and this library's package, measured.

    clients.py ours|requests|httpx|urllib3 URL JOB CALLS

Prints seconds, seconds of processor time, and the peak of memory over the idle
process in bytes, after one call that is not counted.
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


def memory(what: str) -> int:
    """In bytes, from the operating system."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(what))


def main() -> None:
    way, base, job, calls = sys.argv[1:]
    url = f"{base}/api/QueuedJobs/OutputFile/{job}"
    if way == "ours":
        client = sellercloud_output.Client(base, token="token")
        call = lambda: client.output_file(job).data
    elif way == "requests":
        session = requests.Session()
        call = lambda: base64.b64decode(session.get(url, headers=HEADERS).text)
    elif way == "httpx":
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
