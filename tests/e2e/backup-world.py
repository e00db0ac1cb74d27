# SPDX-License-Identifier: MIT
# backup-world.py DRGATEWAY [FLAW]: two origins on loopback. The one that leads takes 200 orders and backs them up here and
# there; both are killed. Prints what it found; the media stay in east/medium and west/medium.
import json, os, socket, subprocess, sys, time, urllib.error, urllib.request

ORDERS = 200


def ports(n):
    held = [socket.socket() for _ in range(n)]
    for s in held:
        s.bind(("127.0.0.1", 0))
    numbers = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return numbers


def ask(port, path, **more):
    try:
        with urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:%d%s" % (port, path), **more), timeout=2) as a:
            return json.load(a)
    except urllib.error.HTTPError as e:
        return {"status": e.code}
    except OSError:
        return {}


def until(what, true):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if true():
            return
        time.sleep(0.05)
    sys.exit("never came true: " + what)


names, numbers = ("east", "west"), ports(6)
service, admin, replication = (dict(zip(names, numbers[i:i + 2])) for i in (0, 2, 4))


def start(name, *more):
    return subprocess.Popen([sys.argv[1], "--config", name + "/config.json", "--data", name + "/data", "--backups",
                             name + "/medium", *more], stderr=open(name + "/log", "a"))


for name, other in zip(names, reversed(names)):
    for folder in ("data", "medium"):
        os.makedirs(name + "/" + folder)
    config = {"node": name + "/origin-1", "role": "origin", "region": name, "listen": service[name], "admin": admin[name],
              "flaws": sys.argv[2:], "store": {"mode": "async", "port": replication[name], "home": name == "east", "peers": []},
              "backup": {"every_ms": 100, "offsite": [{"region": other, "address": "127.0.0.1", "port": service[other]}]}}
    with open(name + "/config.json", "w") as f:
        json.dump(config, f)
alive = [start(name) for name in names]
try:
    until("east leads", lambda: ask(admin["east"], "/status").get("leader"))
    for i in range(ORDERS):
        body = json.dumps({"op": "c0-%d" % i, "key": "k%d" % (i % 16), "value": "0123456789abcdef"}).encode()
        answer = ask(service["east"], "/v1/orders", data=body,
                     headers={"Idempotency-Key": "r/c0-%d" % i, "X-DR-Nonce": "0123456789abcdef"})
        assert answer.get("lsn") == i + 1, answer
    until("the copy elsewhere has them all", lambda: ask(admin["east"], "/status")["backup"]["offsite"][0]["lsn"] == ORDERS)
    wrong = ask(service["west"], "/backups/../x/0123456789abcdef/0", data=b"x", method="PUT")
    assert wrong.get("status") == 400, wrong
    gap = ask(service["west"], "/backups/east/0123456789abcdef/7", data=b"x", method="PUT")
    assert gap.get("status") == 409, gap
    for p in alive:
        p.kill()
        p.wait()
    os.rename("east/data", "east/wiped")
    os.mkdir("east/data")
    os.rename("east/medium", "east/medium.own")
    os.rename("west/medium", "east/medium")
    alive = [start("east", "--restore")]
    until("east stands", lambda: "backup" in ask(admin["east"], "/status"))
    print(json.dumps(ask(admin["east"], "/status")["backup"]["restored"], sort_keys=True))
finally:
    for p in alive:
        p.kill()
        p.wait()
os.rename("east/medium", "west/medium")
