"""The brokers of Debian, each with TLS and the users that Wingspan writes, at headquarters."""

from __future__ import annotations

import os
import signal
import subprocess
import time

from tests.fleet.conftest import PATIENCE_S

# Everything waits for what it is about; this ends what is broken, on the slowest machine.
END_S = 400
# For how long a wave may go on before the broker hands it out again, where that is tried.
IMPATIENT_S = 3
PATIENT_S = 1800


def wait_until(done, what):
    ends_s = time.monotonic() + END_S
    while not done():
        assert time.monotonic() < ends_s, f"it never came to this: {what}"
        time.sleep(0.2)


def began(command, log, **more):
    """Start a process of its own group that writes into a log."""
    with log.open("a") as written:
        return subprocess.Popen(
            command, stdout=written, stderr=written, start_new_session=True, **more
        )


def killed(process):
    """End a process and all that it started, as a power cut would."""
    if process is not None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Redis:
    """Debian's Redis."""

    kind, scheme, port = "redis", "rediss", 6380

    def __init__(self, lab, folder):
        self.lab, self.folder, self.process = lab, folder, None

    def configure(self, users, cert, key):
        settings = [
            "port 0",
            f"tls-port {self.port}",
            "bind 0.0.0.0",
            "protected-mode no",
            f"tls-cert-file {cert}",
            f"tls-key-file {key}",
            f"tls-ca-cert-file {cert}",
            "tls-auth-clients no",
            f"dir {self.folder}",
            f"aclfile {users}",
            "appendonly yes",
            "appendfsync always",
            'save ""',
        ]
        (self.folder / "redis.conf").write_text("\n".join(settings) + "\n")

    def start(self):
        command = self.lab.transport.command(["redis-server", str(self.folder / "redis.conf")])
        self.process = began(command, self.folder / "log")
        wait_until(lambda: answers(self), f"Redis answers: {self.folder}/log")

    def kill(self):
        self.process = killed(self.process)

    end = kill


class RabbitMQ:
    """Debian's RabbitMQ, with a node and a daemon of names of its own."""

    kind, scheme, port = "rabbitmq", "amqps", 5671

    def __init__(self, lab, folder):
        self.lab, self.folder = lab, folder
        self.process = self.names = None
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "ERL_EPMD_PORT": "4399",
            "RABBITMQ_NODENAME": "wingspan@localhost",
            "RABBITMQ_DIST_PORT": "25699",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            # One of each: it serves eight devices.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none",
        }

    def configure(self, users, cert, key):
        settings = [
            "listeners.tcp = none",
            f"listeners.ssl.default = {self.port}",
            f"ssl_options.cacertfile = {cert}",
            f"ssl_options.certfile = {cert}",
            f"ssl_options.keyfile = {key}",
            "ssl_options.verify = verify_none",
            f"load_definitions = {users}",
            f"log.file = {self.folder}/rabbit.log",
            "vm_memory_high_watermark.absolute = 512MB",
            "disk_free_limit.absolute = 10MB",
        ]
        (self.folder / "rabbitmq.conf").write_text("\n".join(settings) + "\n")
        # How long a wave takes is looked at each second.
        ticks = "[{rabbit, [{channel_tick_interval, 1000}]}]."
        (self.folder / "advanced.config").write_text(ticks)
        (self.folder / "plugins").write_text("[].")

    def start(self):
        if self.names is None:
            names = self.lab.transport.command(["epmd", "-port", "4399"])
            self.names = began(names, self.folder / "epmd")
        command = self.lab.transport.command(["/usr/lib/rabbitmq/bin/rabbitmq-server"])
        self.process = began(command, self.folder / "log", env=self.environment)
        wait_until(lambda: answers(self), f"RabbitMQ answers: {self.folder}/log")

    def kill(self):
        self.process = killed(self.process)

    def end(self):
        self.kill()
        self.names = killed(self.names)

    def allow(self, seconds):
        """Have it take back what is not done in so long; it holds for who connects from then on."""
        change = f"application:set_env(rabbit, consumer_timeout, {1000 * seconds}), "
        change += (
            '[rabbit_networking:close_connection(P, "") || P <- rabbit_networking:connections()].'
        )
        command = self.lab.transport.command(["/usr/lib/rabbitmq/bin/rabbitmqctl", "eval", change])
        subprocess.run(command, check=True, capture_output=True, env=self.environment)

    def times_out(self):
        """Return how often it took back what was not done in time."""
        return (self.folder / "rabbit.log").read_text().count("timed out")


def answers(broker):
    assert broker.process.poll() is None, (broker.folder / "log").read_text()[-2000:]
    try:
        broker.lab.transport.connect("127.0.0.1", broker.port, timeout_s=PATIENCE_S).close()
    except OSError:
        return False
    return True


def certificate(folder, addresses):
    """Make the broker's certificate, which signs itself."""
    cert, key = folder / "broker.pem", folder / "broker.key"
    names = ",".join(f"IP:{address}" for address in ["127.0.0.1", *addresses])
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"]
    command += ["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=broker"]
    command += ["-addext", f"subjectAltName={names}", "-keyout", key, "-out", cert]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key
