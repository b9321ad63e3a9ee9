# SPDX-License-Identifier: MIT
"""Both ends of gRPC by grpcio: `grpc_peer.py server PORT`, and `grpc_peer.py client ADDRESS CASE [CERTIFICATE]`, which
prints "ok" or what is wrong. Messages are plain bytes, so that no generated code is needed.
"""

import concurrent.futures
import sys
import threading
import time

import grpc

SERVICE = "weir.test.Echo"
ended = []  # how calls to Watch ended, told by Last


# ---- the server ----

def unary(request, context):
    context.send_initial_metadata((("x-initial", "first"),))
    context.set_trailing_metadata((("x-last", dict(context.invocation_metadata()).get("x-test", "none")),))
    return request + b"!"


def count(request, context):
    for i in range(int(request)):
        yield b"%d" % i


def total(requests, context):
    return b"%d" % sum(len(request) for request in requests)


def chat(requests, context):
    for request in requests:
        yield b"<" + request + b">"


def fail(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "no such thing: %s" % request.decode())


def late(request, context):
    time.sleep(3)
    return request


def watch(request, context):
    """Goes on until the client has had enough."""
    context.add_callback(lambda: ended.append("cancelled"))
    yield b"begin"
    time.sleep(10)


def last(request, context):
    deadline = time.monotonic() + 5
    while not ended and time.monotonic() < deadline:
        time.sleep(0.02)
    return (ended or ["nothing"])[-1].encode()


def serve(port):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(40), options=(
        ("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1)))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {
        "Unary": grpc.unary_unary_rpc_method_handler(unary), "Fail": grpc.unary_unary_rpc_method_handler(fail),
        "Late": grpc.unary_unary_rpc_method_handler(late), "Last": grpc.unary_unary_rpc_method_handler(last),
        "Count": grpc.unary_stream_rpc_method_handler(count), "Watch": grpc.unary_stream_rpc_method_handler(watch),
        "Total": grpc.stream_unary_rpc_method_handler(total), "Chat": grpc.stream_stream_rpc_method_handler(chat)}),))
    server.add_insecure_port("127.0.0.1:%s" % port)
    server.start()
    server.wait_for_termination()


# ---- the client ----

def call(channel, kind, name):
    return getattr(channel, kind)("/%s/%s" % (SERVICE, name))


def is_right(got, wanted):
    return "ok" if got == wanted else "%r, not %r" % (got, wanted)


def do_unary(channel):
    answer, info = call(channel, "unary_unary", "Unary").with_call(b"hello", timeout=10, metadata=(("x-test", "42"),))
    return is_right((answer, dict(info.initial_metadata()).get("x-initial"), dict(info.trailing_metadata()).get("x-last")),
                    (b"hello!", "first", "42"))


def do_server_streaming(channel):
    got = list(call(channel, "unary_stream", "Count")(b"500", timeout=10))
    return is_right(got, [b"%d" % i for i in range(500)])


def do_client_streaming(channel):
    got = call(channel, "stream_unary", "Total")((b"x" * 1000 for _ in range(300)), timeout=10)
    return is_right(got, b"300000")


def do_bidirectional(channel):
    """Each message is sent only after the answer to the one before."""
    turns = threading.Semaphore(1)

    def messages():
        for i in range(50):
            turns.acquire()
            yield b"%d" % i
    got = []
    for answer in call(channel, "stream_stream", "Chat")(messages(), timeout=10):
        got.append(answer)
        turns.release()
    return is_right(got, [b"<%d>" % i for i in range(50)])


def do_error(channel):
    """A response of trailers only."""
    try:
        call(channel, "unary_unary", "Fail")(b"it", timeout=10)
    except grpc.RpcError as error:
        return is_right((error.code(), error.details()), (grpc.StatusCode.NOT_FOUND, "no such thing: it"))
    return "no error"


def do_unknown_method(channel):
    try:
        call(channel, "unary_unary", "Nothing")(b"", timeout=10)
    except grpc.RpcError as error:
        return is_right(error.code(), grpc.StatusCode.UNIMPLEMENTED)
    return "no error"


def do_deadline(channel):
    began = time.monotonic()
    try:
        call(channel, "unary_unary", "Late")(b"", timeout=0.5)
    except grpc.RpcError as error:
        if time.monotonic() - began > 2.5:
            return "the deadline came late"
        return is_right(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
    return "no error"


def do_cancel(channel):
    """The server learns that its client does not want more."""
    answers = call(channel, "unary_stream", "Watch")(b"", timeout=10)
    first = next(answers)
    answers.cancel()
    return is_right((first, call(channel, "unary_unary", "Last")(b"", timeout=10)), (b"begin", b"cancelled"))


def do_large(channel):
    message = b"m" * 3000000
    return is_right(len(call(channel, "unary_unary", "Unary")(message, timeout=20)), 3000001)


def do_parallel(channel):
    echo = call(channel, "unary_unary", "Unary")
    futures = [echo.future(b"%d" % i, timeout=20) for i in range(300)]
    return is_right([future.result() for future in futures], [b"%d!" % i for i in range(300)])


def ask(address, case, certificate):
    options = (("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0))
    if certificate:
        with open(certificate, "rb") as source:
            credentials = grpc.ssl_channel_credentials(source.read())
        channel = grpc.secure_channel(address, credentials, options + (("grpc.ssl_target_name_override", "h2.test"),))
    else:
        channel = grpc.insecure_channel(address, options)
    try:
        print(globals()["do_" + case](channel))
    except grpc.RpcError as error:
        print("%s: %s" % (error.code(), error.details()))


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve(sys.argv[2])
    else:
        ask(sys.argv[2], sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else None)
