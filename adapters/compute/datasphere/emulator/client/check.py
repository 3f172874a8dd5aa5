#!/usr/bin/env python3
"""Yandex's own client against the emulator: is the emulator faithful?

    check.py PLASTINKA [DATASPHERE]

PLASTINKA is the built program, DATASPHERE the command of the package datasphere
0.10.0 (default: datasphere, from PATH). The client is used unmodified. Its three
addresses are constants, so gRPC's own variables lead it here: https_proxy names a
loopback proxy that ends TLS under a throw-away authority, which
GRPC_DEFAULT_SSL_ROOTS_FILE_PATH makes trusted, and passes everything on to the
emulator. It also answers for the package index, where the client looks for a
newer version of itself at the end of every command. Only Python's standard library and openssl are needed beside it.
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

INDEX = "pypi.org"
PAGE = b'<html><body><a href="https://pypi.org/datasphere-0.10.0.tar.gz">datasphere-0.10.0.tar.gz</a></body></html>'
HOSTS = ["datasphere.api.cloud.yandex.net", "operation.api.cloud.yandex.net", "iam.api.cloud.yandex.net"]


def certificates(folder):
    """Make an authority and a certificate for the hosts."""
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=throw-away", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + HOSTS[0], "-keyout", "host.key", "-out", "host.csr")
    (folder / "names").write_text("subjectAltName=" + ",".join("DNS:" + h for h in HOSTS + [INDEX]))
    openssl("x509", "-req", "-in", "host.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "host.pem")


class Proxy:
    """A CONNECT proxy that ends TLS for HOSTS and passes on to one address."""

    def __init__(self, folder, target):
        self.target = target
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "host.pem", folder / "host.key")
        self.context.set_alpn_protocols(["h2"])
        self.index = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.index.load_cert_chain(folder / "host.pem", folder / "host.key")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            conn, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                part = conn.recv(4096)
                if not part:
                    return
                head += part
            host = head.split(b" ")[1].decode().rsplit(":", 1)[0]
            if host == INDEX:
                conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                index(self.index.wrap_socket(conn, server_side=True))
                return
            if host not in HOSTS:
                conn.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                return
            conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            inside = self.context.wrap_socket(conn, server_side=True)
            onward = socket.create_connection(self.target)
            pump(inside, onward)
        except OSError:
            pass
        finally:
            conn.close()


def index(tls):
    """Answer one request for the package's page: there is no newer version."""
    while b"\r\n\r\n" not in tls.recv(65536):
        pass
    tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(PAGE) + PAGE)
    tls.unwrap()


def pump(tls, plain):
    """Pass bytes both ways. One thread works on the TLS side: it is not safe for two."""
    tls.setblocking(False)
    plain.setblocking(False)
    out, back = b"", b""
    while True:
        moved = False
        for read, keep in ((tls, "out"), (plain, "back")):
            try:
                part = read.recv(65536)
                if not part:
                    tls.close()
                    plain.close()
                    return
                moved = True
                if keep == "out":
                    out += part
                else:
                    back += part
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
        for write, name in ((plain, "out"), (tls, "back")):
            data = out if name == "out" else back
            if data:
                try:
                    n = write.send(data)
                    moved = moved or n > 0
                    if name == "out":
                        out = out[n:]
                    else:
                        back = back[n:]
                except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    pass
        if not moved:
            time.sleep(0.005)


class Check:
    def __init__(self, plastinka, client):
        self.plastinka, self.client = os.path.abspath(plastinka), client
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="client-check-"))
        self.failed = []

    def start(self):
        ready = self.top / "ready"
        self.emulator = subprocess.Popen([self.plastinka, "datasphere-emulator", "--ready", str(ready)], stdout=subprocess.DEVNULL)
        until = time.time() + 20
        while not ready.exists():
            if time.time() > until:
                sys.exit("the emulator does not start")
            time.sleep(0.02)
        host, port = ready.read_text().split()[0].rsplit(":", 1)
        certificates(self.top)
        proxy = Proxy(self.top, (host, int(port)))
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.top), "TMPDIR": str(self.top), "REQUESTS_CA_BUNDLE": str(self.top / "ca.pem"), "LANG": "C.UTF-8", "https_proxy": proxy.address,
                    "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1", "no_grpc_proxy": "127.0.0.1",
                    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(self.top / "ca.pem"), "YC_OAUTH_TOKEN": "y0_check"}

    def stop(self):
        self.emulator.send_signal(signal.SIGTERM)
        self.emulator.wait(20)
        shutil.rmtree(self.top, ignore_errors=True)

    def folder(self, name, config, **files):
        folder = self.top / name
        folder.mkdir()
        (folder / "config.yaml").write_text(config)
        for path, text in files.items():
            path = folder / path.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    def run(self, folder, *args, timeout=120):
        done = subprocess.run([self.client, *args], cwd=folder, env=self.env, capture_output=True, text=True, timeout=timeout)
        return done.returncode, done.stdout + done.stderr

    def begin(self, folder, *args):
        log = open(folder / "client.log", "w+")
        return subprocess.Popen([self.client, *args], cwd=folder, env=self.env, stdout=log, stderr=subprocess.STDOUT, text=True), log

    def execute(self, folder, *more):
        return self.run(folder, "project", "job", "execute", "-p", "bt1check", "-c", "config.yaml", *more)

    def that(self, what, ok, said=""):
        print(("ok      " if ok else "FAILED  ") + what, flush=True)
        if not ok:
            self.failed.append(what)
            print(said)


def job_id(text):
    found = re.findall(r"\bbt1jb[0-9a-f]+\b", text)
    return found[0] if found else ""


def scenarios(c):
    hello = """name: hello
desc: a first job
cmd: sh run.sh ${IN} ${N} > ${OUT}
inputs:
  - run.sh
  - in.txt: IN
outputs:
  - out.txt: OUT
args:
  N: 3
env:
  vars:
    - GREETING: hello
cloud-instance-types:
  - c1.8
  - c1.4
graceful-shutdown:
  signal: SIGTERM
  timeout: 5s
"""
    script = 'echo to the log; echo to the errors >&2; echo "$GREETING $(cat "$1") $2"\n'
    f = c.folder("hello", hello, run_DOT_sh=script, in_DOT_txt="world")
    code, said = c.execute(f)
    first = job_id(said)
    c.that("execute: ends well", code == 0, said)
    out = f / "out.txt"
    c.that("execute: the output comes back", out.exists() and "hello world 3" in out.read_text(), said)
    c.that("execute: what goes to the errors is shown", "to the errors" in said, said)

    code, again = c.execute(f)
    c.that("execute: files that are held are not uploaded again", code == 0 and "no files to upload" in again, again)

    code, said = c.run(f, "project", "job", "list", "-p", "bt1check")
    c.that("list: both jobs", code == 0 and said.count("hello") >= 2, said)
    code, said = c.run(f, "project", "job", "get", "--id", first)
    c.that("get: the first job", code == 0 and first in said, said)

    f2 = c.folder("download", hello)
    code, said = c.run(f2, "project", "job", "download-files", "--id", first)
    c.that("download-files: its output", code == 0 and (f2 / "out.txt").exists(), said)

    f3 = c.folder("fork", "args:\n  N: 7\n")
    code, said = c.run(f3, "project", "job", "fork", "--id", first, "--name", "forked", "--arg", "N=7")
    c.that("fork: with another argument", code == 0 and (f3 / "out.txt").exists() and "hello world 7" in (f3 / "out.txt").read_text(), said)

    plain = "name: {}\ncmd: {}\ninputs:\n{}outputs:\n{}env:\n  vars:\n    - A: b\n"
    f = c.folder("failing", plain.format("failing", "sh run.sh", "  - run.sh\n", "  - out.txt\n"), run_DOT_sh="echo bad luck; exit 3\n")
    code, said = c.execute(f)
    c.that("a failing program: its return code", code != 0 and "returned code 3" in said, said)

    f = c.folder("missing", plain.format("missing", "sh run.sh", "  - run.sh\n", "  - out.txt\n  - none.txt\n"), run_DOT_sh="echo one > out.txt\n")
    code, said = c.execute(f)
    c.that("a missing output: is said, and the other one comes", "none.txt" in said and (f / "out.txt").exists(), said)

    f = c.folder("folders", plain.format("folders", "sh run.sh", "  - run.sh\n  - data\n", "  - made\n"), run_DOT_sh="mkdir made; cat data/a.txt data/deep/b.txt > made/c.txt\n",
                 data__a_DOT_txt="1\n", data__deep__b_DOT_txt="2\n")
    code, said = c.execute(f)
    c.that("folders as input and output", code == 0 and (f / "made" / "c.txt").exists() and (f / "made" / "c.txt").read_text() == "1\n2\n", said)

    f = c.folder("executable", plain.format("executable", "./run.sh", "  - run.sh\n", "  - out.txt\n"), run_DOT_sh="#!/bin/sh\necho yes > out.txt\n")
    code, said = c.execute(f)
    c.that("an input can be executed as it is", code == 0 and (f / "out.txt").exists(), said)

    cancels(c)
    attach(c)


LONG = """name: {}
cmd: sh run.sh
inputs:
  - run.sh
outputs:
  - out.txt
env:
  vars:
    - A: b
graceful-shutdown:
  signal: SIGTERM
  timeout: 10s
"""


def started(folder, process, log, word, limit=60):
    until = time.time() + limit
    while time.time() < until:
        said = (folder / "client.log").read_text()
        if word in said:
            return said
        if process.poll() is not None:
            return said
        time.sleep(0.2)
    return (folder / "client.log").read_text()


def cancels(c):
    heeds = "trap 'echo heeded; exit 130' TERM\necho begun\nfor i in $(seq 600); do sleep 0.1; done\n"
    for name, flags, heeded in (("graceful", ["--graceful"], True), ("hard", [], False)):
        f = c.folder("cancel-" + name, LONG.format("cancel-" + name), run_DOT_sh=heeds)
        process, log = c.begin(f, "project", "job", "execute", "-p", "bt1check", "-c", "config.yaml")
        said = started(f, process, log, "begun")
        code, cancelled = c.run(f, "project", "job", "cancel", "--id", job_id(said), *flags)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
        said = (f / "client.log").read_text()
        c.that("cancel, %s: the job ends so" % name, code == 0 and process.returncode != 0 and ("heeded" in said) == heeded, cancelled + said)


def attach(c):
    f = c.folder("attach", LONG.format("attach"), run_DOT_sh="echo begun\nuntil [ -e /tmp/nothing-$$ ]; do echo tick; sleep 0.5; i=$((i+1)); [ $i -gt 30 ] && break; done\necho done > out.txt\n")
    code, said = c.run(f, "project", "job", "execute", "-p", "bt1check", "-c", "config.yaml", "--async")
    id = job_id(said)
    c.that("execute --async: returns at once", code == 0 and id != "", said)
    code, said = c.run(f, "project", "job", "attach", "--id", id)
    c.that("attach: follows to the end", code == 0 and "tick" in said, said)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    c = Check(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else "datasphere")
    c.start()
    try:
        scenarios(c)
    finally:
        c.stop()
    if c.failed:
        sys.exit("%d failed" % len(c.failed))


main()
