"""``adbudget simulate-platform`` as a process, for tests that reach it over HTTP."""

import os
import signal
import subprocess
import sys

import httpx


class ServerProcess:
    """``adbudget simulate-platform`` as a process; ``url`` is its address."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "adbudget", "simulate-platform", "--port", "0", *options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
        )
        line = self.process.stdout.readline()
        assert "http://" in line, self.process.communicate()
        self.url = "http://" + line.partition("http://")[2].partition(",")[0]

    def post(self, path: str, body: dict) -> dict:
        answer = httpx.post(self.url + path, json=body, timeout=60)
        assert answer.is_success, answer.text
        return answer.json()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)
        self.close()

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(timeout=60)
        self.close()
        return code

    def close(self) -> None:
        self.process.stdout.close()
        self.process.stderr.close()

    def __enter__(self) -> "ServerProcess":
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            self.kill()
