"""Answers, with Python's own struct module, what a format makes of values and of bytes (JSON on stdin)."""
import json
import struct
import sys


def read(value):
    kind, text = value
    if kind == "whole":
        return int(text)
    if kind == "float":
        return float("nan") if text == "nan" else struct.unpack(">d", bytes.fromhex(text))[0]
    if kind == "bytes":
        return bytes.fromhex(text)
    return text == "true"


def write(value):
    if isinstance(value, bool):
        return ["truth", "true" if value else "false"]
    if isinstance(value, int):
        return ["whole", str(value)]
    if isinstance(value, float):
        return ["float", "nan" if value != value else struct.pack(">d", value).hex()]
    return ["bytes", value.hex()]


def answer(case):
    try:
        size = struct.calcsize(case["format"])
    except struct.error:
        return {"refused": "format"}
    try:
        packed = struct.pack(case["format"], *[read(value) for value in case["values"]]).hex()
    except (struct.error, OverflowError):
        packed = None
    noise = bytes.fromhex(case["noise"])
    noise = (noise * (size // len(noise) + 1))[:size]
    unpacked = [write(value) for value in struct.unpack(case["format"], noise)]
    return {"size": size, "packed": packed, "unpacked": unpacked}


json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)
