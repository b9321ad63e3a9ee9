# SPDX-License-Identifier: MIT
"""TLS and HTTP/2 for the rows that ask for them: a certificate, lines for each proxy's configuration, a TLS server.

All proxies get the same: one certificate, TLS 1.3, AES-128-GCM, X25519, tickets as they are by default.
"""

import os
import re
import subprocess
import tempfile

import procs

SUITE = "TLS_AES_128_GCM_SHA256"
GROUP = "X25519"
KEYS = {"ecdsa": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}
H2LOAD_SECONDS = 60


def certificate(directory, kind="ecdsa", name="bench.example", file="cert.pem", issuer=None):
    """A new certificate with its key behind it, in one file; its path. issuer: such a file, else it signs itself."""
    path, key = os.path.join(directory, file), os.path.join(directory, file + ".new")
    by = ["-CA", issuer, "-CAkey", issuer] if issuer else []
    subprocess.run(["openssl", "req", "-x509", "-newkey", *KEYS[kind], "-nodes", "-days", "30", "-subj", "/CN=" + name,
                    "-addext", "subjectAltName=DNS:" + name, *by, "-keyout", key, "-out", path],
                   check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    with open(path, "a") as out, open(key) as more:
        out.write(more.read())
    os.unlink(key)
    return path


def binds(kind, tls_port, h2c_port, cert):
    """Listeners of one proxy: TLS with both protocols, and HTTP/2 in clear."""
    if kind == "nginx":
        return "\n        ".join([
            "listen 127.0.0.1:%d ssl http2 backlog=4096;" % tls_port,
            "listen 127.0.0.1:%d http2 backlog=4096;" % h2c_port,
            "ssl_certificate %s;" % cert, "ssl_certificate_key %s;" % cert, "ssl_protocols TLSv1.3;",
            "ssl_conf_command Ciphersuites %s;" % SUITE, "ssl_ecdh_curve %s;" % GROUP])
    return "\n    ".join([
        "bind 127.0.0.1:%d ssl crt %s alpn h2,http/1.1 ssl-min-ver TLSv1.3 ciphersuites %s curves %s backlog 4096" % (
            tls_port, cert, SUITE, GROUP),
        "bind 127.0.0.1:%d proto h2 backlog 4096" % h2c_port])


def server(kind):
    """What makes a proxy speak TLS to its servers."""
    if kind == "nginx":
        return "proxy_ssl_protocols TLSv1.3;"
    return "ssl verify none ciphersuites " + SUITE


class Backend:
    """A TLS server with an answer of 100 bytes, by nginx."""

    def __init__(self, ports, cert):
        self.port = ports.take()
        self.dir = tempfile.TemporaryDirectory(prefix="weir-bench-")
        values = {"dir": self.dir.name, "binds": binds("nginx", self.port, ports.take(), cert), "body": "x" * 100}
        path = os.path.join(self.dir.name, "nginx.conf")
        with open(os.path.join(procs.HERE, "conf", "tls-server.conf")) as template, open(path, "w") as conf:
            conf.write(re.sub(r"@(\w+)@", lambda m: values[m.group(1)], template.read()))
        self.process = procs.spawn(["/usr/sbin/nginx", "-p", self.dir.name, "-c", path, "-e", "stderr"], procs.LOAD_CPU,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        procs.wait_listening(self.process, (self.port,))

    def end(self):
        procs.end(self.process)
        self.dir.cleanup()


class H2Load:
    """h2load with so many streams a connection; like procs.Load, but it opens its connections in run()."""

    def __init__(self, url, conns, streams, requests):
        self.argv = ["h2load", "-n", str(requests), "-c", str(conns), "-m", str(streams), url]
        self.requests = requests

    def run(self):
        done = procs.spawn(self.argv, procs.LOAD_CPU, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        try:
            text = done.communicate(timeout=H2LOAD_SECONDS)[0]
        except subprocess.TimeoutExpired:
            raise procs.BenchError("h2load does not end") from None
        finally:
            procs.end(done)
        seconds = re.search(r"finished in ([\d.]+)(ms|s)", text)
        counts = re.search(r"(\d+) succeeded", text)
        mean = re.search(r"time for request:\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)", text)
        if not seconds or not counts or not mean:
            raise procs.BenchError("h2load failed:\n" + text)
        seconds = float(seconds[1]) / (1000 if seconds[2] == "ms" else 1)
        return {"requests": self.requests, "errors": self.requests - int(counts[1]), "seconds": seconds,
                "rate": self.requests / seconds, "mean_us": float(mean[1]) * {"us": 1, "ms": 1e3, "s": 1e6}[mean[2]]}

    def end(self):
        """Its connections are closed."""
