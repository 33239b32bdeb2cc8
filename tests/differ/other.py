"""other.py: Debian's Prometheus 2.42 as the other side: started, filled by remote write, asked."""
import http.client
import json
import pathlib
import socket
import struct
import subprocess
import time
import urllib.parse

STALE = 0x7ff0000000000002
START_SECONDS = 30


def varint(number):
    out = bytearray()
    while number > 0x7f:
        out.append(number & 0x7f | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


def sample(time_ms, value):
    bits = struct.pack("<Q", STALE) if value == "stale" else struct.pack("<d", value)
    return field(2, b"\x09" + bits + b"\x10" + varint(time_ms & (1 << 64) - 1))


def write_request(series):
    """series: [(labels, [(time_ms, value)])] as prompb.WriteRequest."""
    out = b""
    for labels, samples in series:
        pairs = b"".join(field(1, field(1, n.encode()) + field(2, v.encode())) for n, v in sorted(labels.items()))
        out += field(1, pairs + b"".join(sample(t, v) for t, v in samples))
    return out


def snappy(body):
    """Literals only, which every reader takes."""
    out = varint(len(body))
    for at in range(0, len(body), 60):
        part = body[at:at + 60]
        out += bytes([(len(part) - 1) << 2]) + part
    return out


class Other:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (self.folder / "prometheus.yml").write_text("global: {evaluation_interval: 1m}\n")
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}", "--query.lookback-delta=299999ms",
             "--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=100y"],
            stdout=self.log, stderr=self.log)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connection.request("GET", "/-/ready")
                if self.connection.getresponse().read() and self.ready():
                    break
            except OSError:
                pass
            if time.monotonic() > end:
                raise RuntimeError("prometheus did not start")
            self.connection.close()
            time.sleep(0.1)

    def ready(self):
        self.connection.request("GET", "/-/ready")
        answer = self.connection.getresponse()
        answer.read()
        return answer.status == 200

    def fill(self, series):
        self.connection.request("POST", "/api/v1/write", snappy(write_request(series)), {
            "Content-Encoding": "snappy", "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0"})
        answer = self.connection.getresponse()
        said = answer.read()
        if answer.status != 204:
            raise RuntimeError(f"remote write: {answer.status} {said[:300]!r}")

    def ask(self, start, end, step, expression):
        """(type, {labels: [(time_ms, value)]}) or ("error", text); rows in their order."""
        path, query = "/api/v1/query", {"query": expression, "time": f"{start / 1000:.3f}"}
        if step:
            path, query = "/api/v1/query_range", {"query": expression, "start": f"{start / 1000:.3f}",
                                                  "end": f"{end / 1000:.3f}", "step": f"{step / 1000:.3f}"}
        self.connection.request("POST", path, urllib.parse.urlencode(query), {
            "Content-Type": "application/x-www-form-urlencoded"})
        body = json.loads(self.connection.getresponse().read())
        if body["status"] != "success":
            return "error", body["error"]
        kind, result = body["data"]["resultType"], body["data"]["result"]
        if kind == "string":
            return kind, result[1]
        if kind == "scalar":
            return kind, {(): [(round(result[0] * 1000), float(result[1]))]}
        return kind, {tuple(sorted(row["metric"].items())):
                      [(round(t * 1000), float(v)) for t, v in row.get("values", [row.get("value")])] for row in result}

    def stop(self):
        self.connection.close()
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
