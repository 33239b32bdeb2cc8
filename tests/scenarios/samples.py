"""samples.py: bodies of remote write, written apart from the server: protobuf by hand, snappy by literals only."""
import struct
import time

HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
           "X-Prometheus-Remote-Write-Version": "0.1.0"}
HEADERS_2 = HEADERS | {"Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
                       "X-Prometheus-Remote-Write-Version": "2.0.0"}
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def number(number, value):
    return varint(number << 3) + varint(value)


def snappy(message):
    """A block that copies nothing: literals of at most 65,536 bytes."""
    out = varint(len(message))
    for at in range(0, len(message), 65536):
        part = message[at:at + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(part) - 1) + part
    return out


def sample(at_ms, value):
    return field(2, b"\x09" + struct.pack("<d", value) + number(2, at_ms))


def series(labels, *points):
    """One series of 1.0; a point is (milliseconds, value)."""
    text = b"".join(field(1, field(1, name) + field(2, value)) for name, value in sorted(labels.items()))
    return field(1, text + b"".join(sample(*point) for point in points))


def metadata(family, kind, help_text):
    return field(3, number(1, kind) + field(2, family) + field(4, help_text))


def now_ms():
    return int(time.time() * 1000)


def body(labels, *points):
    """A body of 1.0 with one series; without points: one sample of now."""
    return snappy(series(labels, *(points or [(now_ms(), 1.0)])))


def body_2(rows, more=b""):
    """A body of 2.0: rows of (labels, points)."""
    symbols = [""]
    for labels, _ in rows:
        symbols += [text for pair in labels.items() for text in pair if text not in symbols]
    out = b"".join(field(4, text) for text in symbols)
    for labels, points in rows:
        refs = b"".join(varint(symbols.index(text)) for pair in sorted(labels.items()) for text in pair)
        out += field(5, field(1, refs) + b"".join(sample(*point) for point in points) + more)
    return snappy(out)
