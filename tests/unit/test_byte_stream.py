"""Waits that end, over a pair of sockets."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.byte_stream import (
    SocketStream,
    TimedSocket,
    seconds_until,
)

Pair = tuple[TimedSocket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A near end that waits at most 0.2 s for a byte, and the far one."""
    near, far = socket.socketpair()
    with near, far:
        yield TimedSocket(SocketStream(near), 0.2), far


def test_a_moment_that_has_passed() -> None:
    with pytest.raises(TimeoutError):
        seconds_until(time.monotonic())


def test_not_a_byte_in_time(pair: Pair) -> None:
    near, _far = pair
    near.limit(5)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        near.recv_into(memoryview(bytearray(10)))
    assert 0.15 < time.monotonic() - began < 3
    assert not near.expired


def test_bytes_that_drip_do_not_prolong_the_limit(pair: Pair) -> None:
    near, far = pair
    near.limit(0.1)
    received = 0
    began = time.monotonic()

    def drip() -> None:
        nonlocal received
        while True:
            far.sendall(b"x")
            received += near.recv_into(memoryview(bytearray(10)))

    with pytest.raises(TimeoutError):
        drip()
    assert near.expired
    assert near.received == received > 1
    assert time.monotonic() - began < 3


def test_a_limit_is_for_one_exchange(pair: Pair) -> None:
    near, far = pair
    near.limit(-1)
    with pytest.raises(TimeoutError):
        near.recv_into(memoryview(bytearray(10)))
    near.limit(5)
    assert not near.expired
    far.sendall(b"more")
    assert near.recv_into(memoryview(bytearray(10))) == 4


def test_what_a_small_buffer_leaves_comes_next(pair: Pair) -> None:
    near, far = pair
    near.limit(5)
    far.sendall(b"abcdef")
    buffer = bytearray(4)
    assert near.recv_into(memoryview(buffer)) == 4
    assert buffer == b"abcd"
    assert near.recv_into(memoryview(buffer)) == 2
    assert buffer == b"efcd"


def test_http_reads_from_it(pair: Pair) -> None:
    near, far = pair
    near.limit(5)
    far.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + b"z" * 20000)
    connection = HTTPConnection("a.test")
    connection.sock = near
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"z" * 20000
    assert far.recv(1000).startswith(b"GET / HTTP/1.1\r\nHost: a.test\r\n")


def test_the_end_is_no_bytes(pair: Pair) -> None:
    near, far = pair
    near.limit(5)
    far.close()
    assert near.recv_into(memoryview(bytearray(10))) == 0
