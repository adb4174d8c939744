"""A browser without a window, driven over a pipe by Chrome's debugging protocol; nothing needs to be installed."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
PATIENCE = 120.0
"""Seconds that an answer may take."""


@dataclass
class Page:
    """An open page and what has happened there."""

    browser: Browser
    session: str
    errors: list[str] = field(default_factory=list)
    """Of the console and of scripts, and what the page's policy forbade."""
    requests: list[str] = field(default_factory=list)
    """All addresses that were asked for."""

    def call(self, method: str, **values: Any) -> Any:
        return self.browser.call(method, self.session, **values)

    def value(self, script: str) -> Any:
        """What an expression is on the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def happened(self, method: str, values: Any) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(values["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(values["exceptionDetails"]["text"])
        elif method == "Log.entryAdded" and values["entry"]["level"] in ("error", "warning"):
            self.errors.append(values["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and values["type"] in ("error", "warning", "assert"):
            self.errors.append(str(values["args"]))


class Browser:
    """Started once; `close` ends it."""

    def __init__(self, folder: Path):
        assert PROGRAM is not None
        pipes = [os.pipe(), os.pipe()]
        (theirs, self._out), (self._in, answers) = pipes
        given = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs, answers)]  # 3 and 4 are what it reads
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe"]
        command = f'exec "$@" 3<&{given[0]} 4>&{given[1]}'
        self._process = subprocess.Popen(
            ["bash", "-c", command, "bash", PROGRAM, *options, f"--user-data-dir={folder}"],
            pass_fds=given,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (theirs, answers, *given):
            os.close(end)
        self._number, self._rest = 0, b""
        self._pages: dict[str, Page] = {}
        self._loaded: set[str] = set()

    def open(self, path: Path, width: int, scripts: bool = True) -> Page:
        """Opens a file at a width of so many pixels and waits until it is loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        page.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        self._loaded.discard(session)
        page.call("Page.navigate", url=path.as_uri())
        deadline = time.monotonic() + PATIENCE
        while session not in self._loaded:
            self._heard(deadline)
        return page

    def call(self, method: str, session: str | None = None, **values: Any) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": values}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._heard(deadline)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _heard(self, deadline: float) -> dict[str, Any]:
        """The next message; what happened on a page is noted there."""
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))
            part = os.read(self._in, 1 << 16) if ready else b""
            if not part:
                raise TimeoutError(f"{PROGRAM} did not answer")
            self._rest += part
        text, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        session, method = message.get("sessionId", ""), message.get("method", "")
        if method == "Page.loadEventFired":
            self._loaded.add(session)
        elif session in self._pages and method:
            self._pages[session].happened(method, message["params"])
        return message

    def close(self) -> None:
        """Ends the browser."""
        self.call("Browser.close")
        for end in (self._in, self._out):
            os.close(end)
        self._process.wait(PATIENCE)
