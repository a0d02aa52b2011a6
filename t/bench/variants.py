"""A private Postfix that has an smtpd service for each variant of its settings."""

import os
import time

import benchlib  # finds the harness; pylint: disable=unused-import
from harness.postfix import Postfix

DRAIN_DEADLINE = 60  # seconds in which the queue has to become empty after a run


class Variants(Postfix):
    """A Postfix with different smtpd services; options is {service name: {parameter: value}}."""

    def __init__(self, folder, options):
        super().__init__(folder, services=list(options), parameters={
            "smtpd_client_connection_rate_limit": 0, "anvil_status_update_time": "600s"})
        self.options = options

    def configure(self, **parameters):
        super().configure(**parameters)
        path = self.folder / "etc" / "master.cf"
        text = path.read_text()
        for name, options in self.options.items():
            line = f"  -o milter_macro_daemon_name={name}\n"
            more = "".join(f"  -o {{ {key} = {value} }}\n" for key, value in options.items())
            assert line in text
            text = text.replace(line, line + more)
        path.write_text(text)

    def queued(self):
        return sum(len(files) for name in ("incoming", "active", "deferred")
                   for _, _, files in os.walk(self.folder / "queue" / name))

    def wait_drained(self):
        deadline = time.monotonic() + DRAIN_DEADLINE
        while self.queued() and time.monotonic() < deadline:
            time.sleep(0.05)
