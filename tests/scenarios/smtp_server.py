#!/usr/bin/python3
"""smtp_server.py FOLDER [--tls CERT KEY] [--user NAME PASSWORD]: a real SMTP server with a mailbox.

aiosmtpd on a port of loopback (a free one, or --port), delivering to FOLDER/Maildir. How it behaves stands in
FOLDER/mode and is read at each DATA (or RCPT), so that a scenario can change its mind:

  accept            take it (also when there is no such file)
  reject-rcpt       550 at RCPT: no such person
  busy              451 at DATA: try again later
  reject-data       554 at DATA: never
  hang              answer nothing any more
  drop              take the whole message, then close without a word: was it taken or not?
"""
import asyncio
import mailbox
import pathlib
import ssl
import sys

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

HANG_SECONDS = 3600
MESSAGE_BYTES_MAX = 1 << 20


class Handler(Mailbox):
    def __init__(self, folder):
        super().__init__(str(folder / "Maildir"), mailbox.MaildirMessage)
        self.folder = folder

    def mode(self):
        try:
            return (self.folder / "mode").read_text().strip()
        except FileNotFoundError:
            return "accept"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.mode() == "reject-rcpt":
            return "550 5.1.1 no such person here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        mode = self.mode()
        if mode == "busy":
            return "451 4.3.2 try again later"
        if mode == "reject-data":
            return "554 5.7.1 not wanted"
        if mode == "hang":
            await asyncio.sleep(HANG_SECONDS)
        if mode == "drop":
            await super().handle_DATA(server, session, envelope)
            server.transport.abort()
            return "250 nobody reads this"
        return await super().handle_DATA(server, session, envelope)


def option(arguments, name, count):
    if name not in arguments:
        return None
    at = arguments.index(name)
    return arguments[at + 1:at + 1 + count]


async def main(arguments):
    folder = pathlib.Path(arguments[0])
    handler = Handler(folder)
    settings = {"data_size_limit": MESSAGE_BYTES_MAX, "enable_SMTPUTF8": True, "hostname": "mail.test"}
    pair = option(arguments, "--tls", 2)
    if pair:
        settings["tls_context"] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        settings["tls_context"].load_cert_chain(*pair)
        settings["require_starttls"] = True
    login = option(arguments, "--user", 2)
    if login:
        def check(server, session, envelope, mechanism, data):
            good = isinstance(data, LoginPassword) and [data.login.decode(), data.password.decode()] == login
            return AuthResult(success=good, handled=True) if good else AuthResult(success=False, handled=False)
        settings |= {"authenticator": check, "auth_required": True, "auth_require_tls": bool(pair)}
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, **settings), host="127.0.0.1", port=int((option(arguments, "--port", 1) or ["0"])[0]))
    print("listening on", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main(sys.argv[1:]))
