#!/usr/bin/python3
"""Peer benchmark of HTTP -> SCGI gateways: one table per workload. See README.md.

    SCGATE=build/scgate bench/bench.py [-w W1,W2,...] [-g nginx,scgate,...] [-r ROUNDS] [-d SECONDS]

The gateway runs on CPU 0, the backend and the load generator on CPU 1. Rounds are interleaved over the gateways (A B C A B C ...);
the tables give medians, and ratios to the gateway named by --base.
CPU per request = run time (/proc/PID/task/*/schedstat, ns) of every process and thread of the gateway / requests. It includes the
softirq work done on behalf of its own sends (loopback) and excludes ksoftirqd/0 (the cpu0% column is the whole CPU).
"""
import argparse
import glob
import json
import os
import re
import signal
import statistics
import string
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = os.environ.get("BENCH_TMP") or tempfile.mkdtemp(prefix="scgi-bench-")
PEERS = os.environ.get("BENCH_INST", "")  # a folder with newer peers: nginx/sbin/nginx, lighttpd/{sbin,lib}
SCGATE = os.path.abspath(os.environ.get("SCGATE", "build/scgate"))
SOCKET = WORK + "/backend.sock"
BACKEND_PORT = 18200
GATEWAY_CPU, LOAD_CPU = os.environ.get("GWCPU", "0"), os.environ.get("LDCPU", "1")
IDLE = int(os.environ.get("BENCH_IDLE", "10000"))

# name: (kind of backend, arguments of the load generator, title)
WORKLOADS = {
    "W1": ("unix", "-c 64 -p /b/1024 -d {seconds}", "GET 1 KiB, Unix, 64 conns"),
    "W1c1": ("unix", "-c 1 -p /b/1024 -d {seconds}", "GET 1 KiB, Unix, 1 conn"),
    "W1n": ("unix", "-c 64 -p /n/1024 -d {seconds}", "GET 1 KiB without Content-Length, Unix"),
    "W2": ("tcp", "-c 64 -p /b/1024 -d {seconds}", "GET 1 KiB, TCP, 64 conns"),
    "W3u": ("unix", "-c 16 -p /b/1048576 -d {seconds}", "GET 1 MiB, Unix, 16 conns"),
    "W3t": ("tcp", "-c 16 -p /b/1048576 -d {seconds}", "GET 1 MiB, TCP, 16 conns"),
    "W4u": ("unix", "-c 4 -p /b/104857600 -n 24", "GET 100 MiB, Unix, 4 conns"),
    "W4t": ("tcp", "-c 4 -p /b/104857600 -n 24", "GET 100 MiB, TCP, 4 conns"),
    "W5": ("unix", "-c 64 -p /p -P 65536 -d {seconds}", "POST 64 KiB, Unix, 64 conns"),
    "W6u": ("unix", "-c 2 -p /p -P 104857600 -n 12", "POST 100 MiB, Unix, 2 conns"),
    "W6t": ("tcp", "-c 2 -p /p -P 104857600 -n 12", "POST 100 MiB, TCP, 2 conns"),
    "W7": ("unix", f"-I {IDLE} -c 16 -p /b/1024 -r 2000 -d {{seconds}} -W", f"{IDLE:,} idle + 2,000 req/s"),
    "W8": ("unix", "-c 1000 -p /d/50ms -d {seconds}", "50 ms backend, 1,000 conns, Unix"),
    "W8t": ("tcp", "-c 1000 -p /d/50ms -d {seconds}", "50 ms backend, 1,000 conns, TCP"),
    "W9": ("unix", "-c 64 -p /b/1024 -r 4000 -d {seconds}", "4,000 req/s open loop, Unix"),
    "W9t": ("tcp", "-c 64 -p /b/1024 -r 4000 -d {seconds}", "4,000 req/s open loop, TCP"),
}


# ---------------------------------------------------------------- /proc

def read(path):
    try:
        with open(path, encoding="ascii", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def children():
    """{parent: [process, ...]}"""
    found = {}
    for name in os.listdir("/proc"):
        text = read(f"/proc/{name}/stat") if name.isdigit() else ""
        if text:
            found.setdefault(int(text.rsplit(")", 1)[1].split()[1]), []).append(int(name))
    return found


def cpu_times():
    """{cpu: (all ticks, idle ticks)}"""
    times = {}
    for line in read("/proc/stat").splitlines():
        fields = line.split()
        if re.match(r"cpu\d", fields[0]):
            ticks = [int(x) for x in fields[1:9]]
            times[fields[0][3:]] = (sum(ticks), ticks[3] + ticks[4])
    return times


def softirq_us():
    """CPU of the kernel's softirq thread on the gateway's CPU."""
    for path in glob.glob("/proc/[0-9]*/comm"):
        if read(path).strip() == f"ksoftirqd/{GATEWAY_CPU}":
            return int(read(path.replace("comm", "schedstat")).split()[0]) / 1e3
    return 0


# ---------------------------------------------------------------- gateways

class Gateway:
    """One gateway with a front port for each kind of backend."""
    next_port = 18210

    def __init__(self, name, start):
        self.name, self.processes = name, []
        self.folder = f"{WORK}/{name}"
        os.makedirs(self.folder + "/logs", exist_ok=True)
        self.port = {"unix": Gateway.next_port, "tcp": Gateway.next_port + 1}
        Gateway.next_port += 2
        start(self)

    def config(self, template, name, **more):
        """Fills a template of peers/ in; returns the path of the result."""
        with open(f"{HERE}/peers/{template}", encoding="utf-8") as f:
            text = string.Template(f.read()).substitute(d=self.folder, up=self.port["unix"], tp=self.port["tcp"], sock=SOCKET,
                                                        tport=BACKEND_PORT, **more)
        with open(f"{self.folder}/{name}", "w", encoding="utf-8") as f:
            f.write(text)
        return f"{self.folder}/{name}"

    def run(self, command, env=None):
        with open(f"{WORK}/{self.name}.log", "a", encoding="utf-8") as log:
            self.processes.append(subprocess.Popen(["taskset", "-c", GATEWAY_CPU, *command], env={**os.environ, **(env or {})},
                                                   stdout=log, stderr=log, start_new_session=True))

    def pids(self):
        tree, found, todo = children(), [], [p.pid for p in self.processes]
        while todo:
            found.append(todo.pop())
            todo += tree.get(found[-1], [])
        return found

    def cpu_us(self):
        total = 0
        for pid in self.pids():
            for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
                total += int((read(path).split() or ["0"])[0])
        return total / 1e3

    def memory_kb(self, key):
        """Pss, VmRSS or VmHWM, over all processes."""
        total = 0
        for pid in self.pids():
            match = re.search(rf"^{key}:\s+(\d+)", read(f"/proc/{pid}/{'smaps_rollup' if key == 'Pss' else 'status'}"), re.M)
            total += int(match[1]) if match else 0
        return total

    def reset_peak(self):
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as f:
                    f.write("5")
            except OSError:
                pass

    def stop(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def nginx(program, buffering):
    def start(gateway):
        with open(f"{HERE}/peers/scgi_params", encoding="utf-8") as f:
            params = f.read()
        if buffering:
            params += "scgi_buffer_size 8k; scgi_buffers 8 32k; scgi_busy_buffers_size 64k; scgi_max_temp_file_size 0;"
        else:
            params += ("scgi_buffering off; scgi_request_buffering off; scgi_buffer_size 64k; scgi_buffers 4 64k; "
                       "scgi_busy_buffers_size 128k;")
        with open(f"{gateway.folder}/scgi.inc", "w", encoding="utf-8") as f:
            f.write(params)
        conf = gateway.config("nginx.conf", "nginx.conf", user="user root;" if os.getuid() == 0 else "")
        gateway.run([program, "-p", gateway.folder, "-c", conf, "-g", "daemon off;"])
    return start


def lighttpd(program, modules):
    return lambda gateway: gateway.run([program, "-D", "-f", gateway.config("lighttpd.conf", "lighttpd.conf"), "-m", modules])


def apache(gateway):
    gateway.run(["/usr/sbin/apache2", "-DFOREGROUND", "-f", gateway.config("apache.conf", "apache.conf")])


def scgate(engine):
    return lambda gateway: gateway.run([SCGATE, "-f", gateway.config("scgate.conf", "scgate.conf", engine=engine)])


def other(command):
    """Any program: {port}, {backend} (unix:PATH or tcp:PORT), {sock}, {tport}; NAME=VALUE words in front are its environment."""
    def start(gateway):
        words = command.split()
        env = {}
        while re.match(r"[A-Z_]+=", words[0]):
            name, env[name] = words[0].split("=", 1)[0], words.pop(0).split("=", 1)[1]
        for kind, backend in (("unix", f"unix:{SOCKET}"), ("tcp", f"tcp:{BACKEND_PORT}")):
            gateway.run([w.format(port=gateway.port[kind], backend=backend, sock=SOCKET, tport=BACKEND_PORT) for w in words], env)
    return start


# name: (program that must be there, how to start it)
GATEWAYS = {
    "nginx": ("/usr/sbin/nginx", nginx("/usr/sbin/nginx", True)),
    "nginx-nobuf": ("/usr/sbin/nginx", nginx("/usr/sbin/nginx", False)),
    "lighttpd": ("/usr/sbin/lighttpd", lighttpd("/usr/sbin/lighttpd", "/usr/lib/lighttpd")),
    "apache": ("/usr/sbin/apache2", apache),
    "scgate": (SCGATE, scgate("auto")),
    "scgate-epoll": (SCGATE, scgate("epoll")),
}
if PEERS:
    GATEWAYS["nginx-new"] = (f"{PEERS}/nginx/sbin/nginx", nginx(f"{PEERS}/nginx/sbin/nginx", True))
    GATEWAYS["nginx-new-nobuf"] = (f"{PEERS}/nginx/sbin/nginx", nginx(f"{PEERS}/nginx/sbin/nginx", False))
    GATEWAYS["lighttpd-new"] = (f"{PEERS}/lighttpd/sbin/lighttpd", lighttpd(f"{PEERS}/lighttpd/sbin/lighttpd", f"{PEERS}/lighttpd/lib"))


# ---------------------------------------------------------------- measuring

def generator(gateway, kind, args):
    return ["taskset", "-c", LOAD_CPU, HERE + "/lgen", "-t", f"127.0.0.1:{gateway.port[kind]}", *args]


def measure(gateway, workload, seconds, timeout=90):
    """One run; the figures of the load generator and of /proc."""
    kind, args, _ = WORKLOADS[workload]
    args = args.format(seconds=seconds).split()
    gateway.reset_peak()
    rss_before = gateway.memory_kb("Pss")
    load = subprocess.Popen(generator(gateway, kind, args), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    idle_kb = None
    if "-W" in args:  # it has opened its idle connections and waits
        load.stdout.readline()
        time.sleep(0.3)
        idle_kb = (gateway.memory_kb("Pss") - rss_before) / IDLE
    cpu, softirq, cpus = gateway.cpu_us(), softirq_us(), cpu_times()
    if "-W" in args:
        load.stdin.write("\n")
        load.stdin.flush()
    try:
        out, _ = load.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        load.kill()
        load.wait()
        return {"fail": "timeout"}
    after = cpu_times()
    result = json.loads(out.strip().splitlines()[-1])
    requests = max(result["done"], 1)
    result["us"] = (gateway.cpu_us() - cpu) / requests
    result["softirq_us"] = (softirq_us() - softirq) / requests
    for number, key in ((GATEWAY_CPU, "cpu0"), (LOAD_CPU, "cpu1")):
        ticks, idle = (after[number][i] - cpus[number][i] for i in (0, 1))
        result[key] = 100 * (1 - idle / ticks) if ticks else 0
    result["rss"], result["peak"] = rss_before, gateway.memory_kb("VmHWM")
    if idle_kb is not None:
        result["idle_kb"] = idle_kb
    return result


def system_calls(gateway, workload, requests=2000):
    """-> (calls per request, {call: per request}), under strace."""
    kind, args, _ = WORKLOADS[workload]
    out = f"{WORK}/strace.out"
    pids = [word for pid in gateway.pids() for word in ("-p", str(pid))]
    trace = subprocess.Popen(["strace", "-c", "-f", "-o", out, *pids], stderr=subprocess.DEVNULL)
    time.sleep(1)
    args = re.sub(r"-[dn] \S+", "", args).split() + ["-n", str(requests)]
    text = subprocess.run(generator(gateway, kind, args), capture_output=True, text=True, check=False).stdout
    trace.send_signal(signal.SIGINT)
    trace.wait()
    done = max(json.loads(text.splitlines()[-1])["done"], 1)
    calls = {}
    for line in read(out).splitlines():
        fields = line.split()
        if len(fields) >= 5 and re.fullmatch(r"[\d.]+", fields[0]) and fields[-1] != "total":
            calls[fields[-1]] = int(fields[3]) / done
    return sum(calls.values()), {k: round(v, 2) for k, v in sorted(calls.items(), key=lambda x: -x[1]) if v > 0.05}


def print_table(workload, rows, base, rounds):
    print(f"\n{workload}  {WORKLOADS[workload][2]}   (median of {rounds})")
    print(f"{'gateway':18}{'req/s':>9}{'MB/s':>8}{'us/req':>9}{'ratio':>7}{'rps x':>7}{'min..max us':>17}{'cpu0%':>7}{'cpu1%':>6}"
          f"{'p50us':>9}{'p99us':>9}{'rssKB':>8}{'peakKB':>8}{'err':>5}")

    def median(name, key):
        values = [run[key] for run in rows.get(name, []) if key in run]
        return statistics.median(values) if values else 0

    for name, runs in rows.items():
        good = [run for run in runs if "us" in run]
        if not good:
            print(f"{name:18} {runs}")
            continue
        ratio, rps_ratio = (median(name, key) / (median(base, key) or 1) for key in ("us", "rps"))
        span = f"{min(run['us'] for run in good):.2f}..{max(run['us'] for run in good):.2f}"
        line = (f"{name:18}{median(name, 'rps'):9.0f}{median(name, 'MBps'):8.0f}{median(name, 'us'):9.2f}{ratio:7.2f}{rps_ratio:7.2f}{span:>17}"
                f"{median(name, 'cpu0'):7.0f}{median(name, 'cpu1'):6.0f}{median(name, 'p50'):9.0f}{median(name, 'p99'):9.0f}"
                f"{median(name, 'rss'):8.0f}{max(run['peak'] for run in good):8.0f}{sum(run['errs'] + run['non2xx'] for run in good):5d}")
        if workload == "W7":
            line += f"  idle KB/conn {median(name, 'idle_kb'):.2f}"
        if median(name, "softirq_us") > 0.3:
            line += f"  softirq {median(name, 'softirq_us'):.1f}"
        print(line)
    sys.stdout.flush()


def answers(gateway):
    """True when both front ports give the right bytes."""
    good = True
    for kind in ("unix", "tcp"):
        out = subprocess.run(generator(gateway, kind, ["-c", "1", "-n", "3", "-p", "/b/2000", "-V"]), capture_output=True, text=True,
                             check=False).stdout
        if '"done":3,"errs":0,"non2xx":0' not in out:
            print(f"bench.py: {gateway.name} does not answer over {kind} (its log: {WORK}/{gateway.name}.log): {out}")
            good = False
    return good


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("-w", default="W1,W2,W3u,W3t,W4u,W4t,W5,W6u,W6t,W7,W8,W9", help="workloads: " + ", ".join(WORKLOADS))
    add("-g", default="nginx,nginx-nobuf,lighttpd,apache,scgate,scgate-epoll", help="gateways: " + ", ".join(GATEWAYS))
    add("-r", type=int, default=3, help="rounds")
    add("-d", type=float, default=2, help="seconds of one run")
    add("-x", action="append", default=[], metavar="NAME=COMMAND", help="another gateway")
    add("-o", metavar="FILE", help="raw results as JSON")
    add("--base", default="nginx", help="the gateway that the ratios refer to")
    add("--syscalls", action="store_true", help="count system calls of W1 and W2 by strace")
    add("--backend", default="", help="more arguments of scgi_backend")
    a = parser.parse_args()
    a.w, a.g = a.w.split(","), [name for name in a.g.split(",") if name]
    for name, command in (x.split("=", 1) for x in a.x):
        GATEWAYS[name] = ("/bin/sh", other(command))
        a.g.append(name)
    for names, known in ((a.w, WORKLOADS), (a.g, GATEWAYS)):
        for name in names:
            if name not in known:
                parser.error(f"unknown \"{name}\"; there are: {', '.join(known)}")
    return a


def run_all(a, gateways):
    results = {}
    for workload in a.w:
        rows = {gateway.name: [] for gateway in gateways}
        for _ in range(a.r):
            for gateway in gateways:
                rows[gateway.name].append(measure(gateway, workload, a.d))
                time.sleep(0.1)
        results[workload] = rows
        print_table(workload, rows, a.base, a.r)
        if a.o:
            with open(a.o, "w", encoding="utf-8") as f:
                json.dump(results, f)
    for workload in ("W1", "W2") if a.syscalls else ():
        print(f"\nsystem calls per request, {workload} under strace")
        for gateway in gateways:
            total, calls = system_calls(gateway, workload)
            print(f"  {gateway.name:18} {total:6.2f}  {calls}", flush=True)


def main():
    a = options()
    os.makedirs(WORK, exist_ok=True)
    os.chmod(WORK, 0o777)
    backend = subprocess.Popen(["taskset", "-c", LOAD_CPU, HERE + "/scgi_backend", "-u", SOCKET, "-t", str(BACKEND_PORT), *a.backend.split()],
                               stderr=subprocess.DEVNULL)
    gateways = []
    try:
        time.sleep(0.2)
        for name in a.g:
            program, start = GATEWAYS[name]
            if os.access(program, os.X_OK):
                gateways.append(Gateway(name, start))
            else:
                print(f"bench.py: {name} is left out: there is no {program}")
        time.sleep(1.5)
        run_all(a, [gateway for gateway in gateways if answers(gateway)])
    finally:
        for gateway in gateways:
            gateway.stop()
        backend.terminate()
        backend.wait()


if __name__ == "__main__":
    main()
