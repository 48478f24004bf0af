"""Real servers as child processes (PostgreSQL, PgBouncer, Redis, RabbitMQ, nginx), each with its own folder, ports and secret, and what
keeps processes running.

Used by `gtv` for the local stack and by `tests.fixtures` for tests. *Ready* always means that a login with the generated secret works;
an open port proves nothing, since another program's server may hold it. Nothing here needs root, and nothing breaks under it.
"""

from servers.children import spawn
from servers.failures import BinaryMissing, FolderUnreachable, NotReady, ServerError
from servers.nginx import Nginx, NodeNginx
from servers.pgbouncer import PgBouncer
from servers.ports import free_port, free_ports
from servers.postgres import DATABASE, MIGRATOR, SUPERUSER, Postgres, owner_of
from servers.process import LocalServer, ProcessSpec
from servers.rabbitmq import RabbitMq, RabbitPorts
from servers.redis import Redis
from servers.runner import ServerRunner
from servers.secrets import new_secret

__all__ = [
    "DATABASE",
    "MIGRATOR",
    "SUPERUSER",
    "BinaryMissing",
    "FolderUnreachable",
    "LocalServer",
    "Nginx",
    "NodeNginx",
    "NotReady",
    "PgBouncer",
    "Postgres",
    "ProcessSpec",
    "RabbitMq",
    "RabbitPorts",
    "Redis",
    "ServerError",
    "ServerRunner",
    "free_port",
    "free_ports",
    "new_secret",
    "owner_of",
    "spawn",
]
