"""What the benchmarks send into: Postfix's smtp-sink, the same behind a slow line,
and a real Postfix that throws away what it has taken. All on loopback."""

import asyncio
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from mail_servers import start_postfix
from support import free_port, stop, wait_for_port

ONE_WAY_MS = 10

MAIN_CF = """\
myhostname = mx.bench.example
default_transport = discard:
relay_transport = discard:
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 100
in_flow_delay = 0
"""
MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
bounce    unix  - - n - 0 bounce
discard   unix  - - n - - discard
"""


class Sink:
    """smtp-sink on `port`, for the length of a with block."""

    def __init__(self, port):
        self.port = port

    def __enter__(self):
        # As root it wants somebody to become.
        user = ["-u", "postfix"] if os.getuid() == 0 else []
        self.process = subprocess.Popen(["smtp-sink", *user, f"127.0.0.1:{self.port}", "256"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.port, b"220 ")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


async def carry(reader, writer):
    """Every byte comes out ONE_WAY_MS after it went in; the line is as wide as it likes."""
    loop = asyncio.get_running_loop()
    line = asyncio.Queue()

    async def deliver():
        while True:
            due, chunk = await line.get()
            await asyncio.sleep(max(0, due - loop.time()))
            if not chunk:
                writer.close()
                return
            writer.write(chunk)

    delivery = asyncio.create_task(deliver())
    chunk = b"."
    while chunk:
        try:
            chunk = await reader.read(1 << 16)
        except ConnectionError:
            chunk = b""
        line.put_nowait((loop.time() + ONE_WAY_MS / 1000, chunk))
    await delivery


def run_line(port, behind):
    async def connected(reader, writer):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", behind)
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))

    async def serve():
        server = await asyncio.start_server(connected, "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(serve())


class SlowSink:
    """smtp-sink at the end of a line of 20 ms round trip."""

    def __init__(self, port):
        self.port = port
        self.sink = Sink(free_port())

    def __enter__(self):
        self.sink.__enter__()
        self.line = multiprocessing.Process(target=run_line, args=(self.port, self.sink.port),
                                            daemon=True)
        self.line.start()
        wait_for_port(self.port, b"220 ")
        return self

    def __exit__(self, *args):
        self.line.kill()
        self.line.join()
        self.sink.__exit__(*args)


class Discard:
    """A Postfix of its own that queues and then discards. Needs root."""

    def __init__(self, port):
        self.port = port

    def __enter__(self):
        if os.getuid() != 0:
            sys.exit("Postfix starts for root only")
        self.temporary = tempfile.TemporaryDirectory(prefix="teataja-bench-")
        folder = pathlib.Path(self.temporary.name)
        folder.chmod(0o755)
        self.process = start_postfix(folder, MAIN_CF, MASTER_CF.format(port=self.port))
        wait_for_port(self.port, b"220 ")
        return self

    def __exit__(self, *_):
        stop(self.process)
        self.temporary.cleanup()
