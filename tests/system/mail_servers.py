"""A real Postfix that hands to a real Dovecot, both in the test's own folder.

Nothing leaves the machine: Postfix has no relay, no DNS and no transport but LMTP
to this Dovecot; a recipient of any other domain is refused.
"""

import imaplib
import os
import pathlib
import shutil
import signal
import subprocess

from support import free_port, launch, stop, wait_for, wait_for_port, write

PASSWORD = "letmein"

DOVECOT = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 1
auth_mechanisms = plain login
auth_failure_delay = 0
auth_username_chars =
mail_location = maildir:{folder}/mail/%u
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail/%u allow_all_users=yes
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  unix_listener {folder}/lmtp {{
    mode = 0666
  }}
}}
service auth {{
  unix_listener {folder}/auth {{
    mode = 0666
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""

# Of every Postfix of the tests and benchmarks: a folder of its own, the loopback, no DNS.
COMMON_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
mail_owner = postfix
setgid_group = postdrop
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relayhost =
relay_domains =
disable_dns_lookups = yes
alias_maps =
"""
COMMON_SERVICES = """\
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
proxymap  unix  - - n - - proxymap
anvil     unix  - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""

MAIN_CF = """\
myhostname = mx.cluster.example
smtp_host_lookup = native
default_transport = error:5.1.2 nothing leaves this machine
relay_transport = error:5.1.2 nothing leaves this machine
local_transport = error:5.1.1 there are no local mailboxes
local_recipient_maps =
virtual_mailbox_domains = {domains}
virtual_mailbox_maps = texthash:{folder}/mailboxes
virtual_transport = lmtp:unix:{folder}/lmtp
lmtp_destination_recipient_limit = 1
bounce_queue_lifetime = 0
maximal_queue_lifetime = 1h
minimal_backoff_time = 1s
queue_run_delay = 1s
notify_classes =
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_relay_restrictions = reject_unauth_destination
smtpd_reject_unlisted_recipient = yes
smtpd_error_sleep_time = 0
smtpd_client_event_limit_exceptions =
smtpd_client_connection_count_limit = 50
anvil_rate_time_unit = 2s
smtpd_tls_cert_file = {folder}/server.pem
smtpd_tls_key_file = {folder}/server.key
smtpd_tls_session_cache_database =
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/auth
smtpd_sasl_security_options = noanonymous
smtputf8_enable = yes
"""

MASTER_CF = """\
127.0.0.1:{plain}   inet n - n - - smtpd -o smtpd_tls_security_level=none
127.0.0.1:{starttls} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
127.0.0.1:{login}   inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
    -o smtpd_sasl_auth_enable=yes
    -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{few}     inet n - n - - smtpd -o smtpd_tls_security_level=none
    -o smtpd_client_connection_count_limit=1
127.0.0.1:{paced}   inet n - n - - smtpd -o smtpd_tls_security_level=none
    -o smtpd_client_message_rate_limit=10
127.0.0.1:{nervous} inet n - n - - smtpd -o smtpd_tls_security_level=none
    -o smtpd_soft_error_limit=1 -o smtpd_hard_error_limit=2
127.0.0.2:{elsewhere} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
127.0.0.1:{strict}  inet n - n - - smtpd -o smtpd_tls_security_level=none
    -o smtpd_sender_restrictions=reject -o smtpd_delay_reject=no
bounce    unix  - - n - 0 discard
verify    unix  - - n - 1 verify
error     unix  - - n - - error
retry     unix  - - n - - error
lmtp      unix  - - n - - lmtp
"""


def need(*programs):
    """Says which program is missing, rather than to skip in silence."""
    missing = [p for p in programs if not shutil.which(p)]
    if missing or os.geteuid() != 0:
        raise AssertionError(f"needs root and {', '.join(programs)}; missing: {missing}")


def make_certificate(folder, name="server", host="localhost"):
    """A self-signed certificate for host and 127.0.0.1: its own authority."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem",
         "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host},IP:127.0.0.1"],
        check=True, capture_output=True)
    return pathlib.Path(folder) / f"{name}.pem"


class Dovecot:
    def __init__(self, folder):
        need("dovecot", "openssl")
        self.folder = pathlib.Path(folder)
        self.imap = free_port()
        mail = self.folder / "mail"
        mail.mkdir(parents=True)
        shutil.chown(mail, "mail", "mail")
        conf = write(self.folder / "dovecot.conf", DOVECOT.format(
            folder=self.folder, imap=self.imap, password=PASSWORD))
        self.process = launch(["dovecot", "-F", "-c", str(conf)])
        wait_for_port(self.imap, b"* OK")

    def mailbox(self, address):
        """Everything in the address's INBOX, read over IMAP."""
        with imaplib.IMAP4("127.0.0.1", self.imap) as imap:
            imap.login(address, PASSWORD)
            imap.select("INBOX", readonly=True)
            _, found = imap.search(None, "ALL")
            numbers = found[0].split()
            if not numbers:
                return []
            _, parts = imap.fetch(b",".join(numbers), "(RFC822)")
            return [part[1] for part in parts if isinstance(part, tuple)]

    def close(self):
        stop(self.process)


def start_postfix(folder, main, master):
    """Starts a Postfix in the folder with these beside what all have; its process. The
    children of master are in its process group and end with it."""
    conf = folder / "postfix"
    write(conf / "main.cf", COMMON_CF.format(folder=folder) + main)
    write(conf / "master.cf", master + COMMON_SERVICES)
    (folder / "queue").mkdir()
    (folder / "data").mkdir()
    shutil.chown(folder / "data", "postfix")
    check = subprocess.run(["postfix", "-c", str(conf), "check"], capture_output=True, check=False)
    if check.returncode:
        raise AssertionError(check.stderr.decode())
    return launch(["/usr/lib/postfix/sbin/master", "-c", str(conf), "-d"])


class Postfix:
    """Ports: plain; starttls (required); login (STARTTLS and AUTH required);
    few (one connection at a time); paced (ten messages in two seconds); nervous (hangs
    up after two refusals); strict (refuses every sender); elsewhere (as starttls, on
    127.0.0.2, which the certificate does not name)."""

    def __init__(self, folder, mailboxes):
        need("postfix", "openssl")
        self.folder = pathlib.Path(folder)
        self.ports = {name: free_port() for name in ("plain", "starttls", "login", "few",
                                                     "paced", "nervous", "strict",
                                                     "elsewhere")}
        self.authority = make_certificate(self.folder)
        write(self.folder / "mailboxes", "".join(f"{box} x\n" for box in mailboxes))
        domains = sorted({box.rpartition("@")[2] for box in mailboxes})
        for domain in domains:
            if not domain.endswith((".example", ".test")):
                raise AssertionError(f"{domain} is no domain for tests")
        self.conf = self.folder / "postfix"
        self.process = start_postfix(
            self.folder, MAIN_CF.format(folder=self.folder, domains=" ".join(domains)),
            MASTER_CF.format(**self.ports))
        for name, port in self.ports.items():
            if name != "elsewhere":
                wait_for_port(port, b"220 ")

    def wait_until_empty(self):
        """Until everything that was accepted has been handed to Dovecot."""
        def left():
            return [f for name in ("incoming", "active", "deferred", "maildrop")
                    for f in (self.folder / "queue" / name).rglob("*") if f.is_file()]
        wait_for("an empty queue", lambda: not left(), 60)

    def log(self):
        path = self.folder / "postfix.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self):
        stop(self.process, signal.SIGTERM)
