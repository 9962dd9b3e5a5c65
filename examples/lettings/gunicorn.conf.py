"""gunicorn reads this by itself. It binds to $PORT on its own when that is set."""
import os
import threading

from oc_lettings_site.fault import CRASH_AFTER_S, CRASH_EXIT_CODE, read_fault

worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
threads = 4
keepalive = 75  # longer than a proxy keeps its idle connections: it is the one to close them
graceful_timeout = 25
control_socket_disable = True  # nobody asks, and its folder is read-only here
accesslog = "-"
access_log_format = '%(m)s %(U)s %(s)s %(B)s bytes %(D)s us'


def when_ready(server):
    """The fault `crash`: the master leaves without a word, as a failing program would."""
    if read_fault() == "crash":
        server.log.error("release fault: crash in %s s", CRASH_AFTER_S)
        threading.Timer(CRASH_AFTER_S, os._exit, [CRASH_EXIT_CODE]).start()
