# SPDX-License-Identifier: MIT
"""Routing of many hosts to one backend, by ACL rules or by a map, for each of the proxies.

The hosts are those of tools/bench/load.c: h0.bench.example, h1.bench.example ... All go to the same server, so that
only the decision differs between rows.
"""

import os
from collections import namedtuple

# by: "rules", one host and one path test a host; "map", one look-up. nginx knows maps only.
Routes = namedtuple("Routes", "by hosts")
NGINX_MAP_MAX = 100000  # above that its start takes minutes


def host(i):
    return "h%d.bench.example" % i


def rules(routes, directory):
    """Lines of the frontend of weir and haproxy."""
    if not routes or not routes.hosts:
        return ""
    if routes.by == "map":
        path = os.path.join(directory, "hosts.map")
        with open(path, "w") as file:
            file.writelines("%s routed\n" % host(i) for i in range(routes.hosts))
        return "use_backend %%[req.hdr(host),lower,map(%s,http)]" % path
    lines = []
    for i in range(routes.hosts):
        lines.append("acl host%d hdr(host) -i %s" % (i, host(i)))
        lines.append("use_backend routed if host%d { path_beg /1 }" % i)
    return "\n    ".join(lines)


def nginx(routes):
    """Lines of the http block, and the name behind proxy_pass."""
    if not routes or not 0 < routes.hosts <= NGINX_MAP_MAX:
        return "", "backend"
    lines = ["map_hash_max_size %d;" % (routes.hosts * 8), "map_hash_bucket_size 128;",
             "map $http_host $routed {", "    default backend;"]
    lines += ["    %s backend;" % host(i) for i in range(routes.hosts)]
    return "\n    ".join(lines + ["}"]), "$routed"
