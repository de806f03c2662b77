#!/usr/bin/python3
"""Peer benchmark for an HTTP -> SCGI gateway.  Gateway on CPU 0; backend + load generator on CPU 1.

  SCGATE=build/scgate bench.py [-w W1,W2,...] [-g nginx,lighttpd,...] [-r rounds] [-x NAME='command {port} {backend}']... [-o out.json] [--syscalls]

{backend} becomes unix:/path or tcp:PORT (also {sock} and {tport}); one instance is started per backend kind.
Rounds are interleaved over the gateways (A B C A B C ...); the table gives medians and ratios to the gateway named by --base.
CPU microseconds per request = run time (/proc/PID/task/*/schedstat, ns) of every process and thread of the gateway / requests;
it includes softirq work done on behalf of its own sends (loopback), and excludes ksoftirqd/0 (the 'cpu0' column is the whole CPU).
"""
import argparse, json, os, re, signal, statistics as st, subprocess as sp, sys, time, glob, shutil, string
H = os.path.dirname(os.path.abspath(__file__)); import tempfile
W = os.environ.get('BENCH_TMP') or tempfile.mkdtemp(prefix='scgi-bench-'); INST = os.environ.get('BENCH_INST', '')
SCGATE = os.path.abspath(os.environ.get('SCGATE', 'build/scgate'))
os.makedirs(W, exist_ok=True); os.chmod(W, 0o777)
SOCK = W + '/backend.sock'; TPORT = 18200; GWCPU, LDCPU = os.environ.get('GWCPU', '0'), os.environ.get('LDCPU', '1')
PORTS = {}; _next = [18210]
def port(): _next[0] += 1; return _next[0] - 1
def tmpl(name, **k):
    t = string.Template(open(f'{H}/peers/{name}').read()); return t.substitute(k)
class GW:
    def __init__(s, name): s.name = name; s.procs = []; s.port = {}
    def popen(s, cmd, env=None):
        e = dict(os.environ); e.update(env or {})
        s.procs.append(sp.Popen(['taskset', '-c', GWCPU] + cmd, env=e, stdout=open(f'{W}/{s.name}.log', 'a'), stderr=sp.STDOUT, start_new_session=True))
    def pids(s):
        par = {}
        for d in os.listdir('/proc'):
            if d.isdigit():
                try: f = open(f'/proc/{d}/stat').read().rsplit(')', 1)[1].split(); par.setdefault(int(f[1]), []).append(int(d))
                except OSError: pass
        out, todo = [], [p.pid for p in s.procs]
        while todo: x = todo.pop(); out.append(x); todo += par.get(x, [])
        return out
    def cpu(s):
        tot = 0
        for p in s.pids():
            for t in glob.glob(f'/proc/{p}/task/*/schedstat'):
                try: tot += int(open(t).read().split()[0])
                except OSError: pass
        return tot / 1e3
    def cpustat(s):
        tot = 0
        for p in s.pids():
            try: f = open(f'/proc/{p}/stat').read().rsplit(')', 1)[1].split(); tot += int(f[11]) + int(f[12])
            except OSError: pass
        return tot * 1e4
    def rss(s, key='Pss'):
        tot = 0
        for p in s.pids():
            try: tot += int(re.search(rf'^{key}:\s+(\d+)', open(f'/proc/{p}/smaps_rollup' if key == 'Pss' else f'/proc/{p}/status').read(), re.M).group(1))
            except (OSError, AttributeError): pass
        return tot
    def hwm_reset(s):
        for p in s.pids():
            try: open(f'/proc/{p}/clear_refs', 'w').write('5')
            except OSError: pass
    def stop(s):
        for p in s.procs:
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
        for p in s.procs:
            try: p.wait(5)
            except sp.TimeoutExpired: p.kill(); p.wait()
def nginx(name, exe, buf):
    def f(g):
        d = f'{W}/{name}'; os.makedirs(d + '/logs', exist_ok=True)
        g.port = {'unix': port(), 'tcp': port()}
        new = exe != '/usr/sbin/nginx'
        h2 = ''
        if new: g.port['h2'] = port(); h2 = f"server {{ listen 127.0.0.1:{g.port['h2']} backlog=4096; http2 on; location / {{ include {d}/scgi.inc; scgi_pass unix:{SOCK}; }} }}"
        b = 'scgi_buffer_size 8k; scgi_buffers 8 32k; scgi_busy_buffers_size 64k; scgi_max_temp_file_size 0;' if buf else 'scgi_buffering off; scgi_request_buffering off; scgi_buffer_size 64k; scgi_buffers 4 64k; scgi_busy_buffers_size 128k;'
        open(f'{d}/scgi.inc', 'w').write(open(f'{H}/peers/scgi_params').read() + b)
        open(f'{d}/nginx.conf', 'w').write(tmpl('nginx.conf', d=d, up=g.port['unix'], tp=g.port['tcp'], sock=SOCK, tport=TPORT, h2=h2, user='user root;'))
        g.popen([exe, '-p', d, '-c', f'{d}/nginx.conf', '-g', 'daemon off;'])
    return f
def lighttpd(name, exe, mods, extra=''):
    def f(g):
        d = f'{W}/{name}'; os.makedirs(d, exist_ok=True); g.port = {'unix': port(), 'tcp': port()}; g.port['h2'] = g.port['unix']
        open(f'{d}/l.conf', 'w').write(tmpl('lighttpd.conf', d=d, up=g.port['unix'], tp=g.port['tcp'], sock=SOCK, tport=TPORT, extra=extra))
        g.popen([exe, '-D', '-f', f'{d}/l.conf', '-m', mods])
    return f
def apache(g):
    d = f'{W}/apache'; os.makedirs(d, exist_ok=True); g.port = {'unix': port(), 'tcp': port()}; g.port['h2'] = g.port['unix']
    open(f'{d}/a.conf', 'w').write(tmpl('apache.conf', d=d, up=g.port['unix'], tp=g.port['tcp'], sock=SOCK, tport=TPORT))
    g.popen(['/usr/sbin/apache2', '-DFOREGROUND', '-f', f'{d}/a.conf'])
def extra(cmd):
    def f(g):
        env = {}
        c = cmd
        while re.match(r'^[A-Z_]+=', c): kv, c = c.split(' ', 1); k, v = kv.split('=', 1); env[k] = v
        for kind in ('unix', 'tcp'):
            g.port[kind] = port()
            b = f'unix:{SOCK}' if kind == 'unix' else f'tcp:{TPORT}'
            g.popen([a.format(port=g.port[kind], backend=b, sock=SOCK, tport=TPORT) for a in c.split()], env)
    return f
def scgate(name, engine):
    def f(g):
        d = f'{W}/{name}'; os.makedirs(d, exist_ok=True); g.port = {'unix': port(), 'tcp': port()}
        open(f'{d}/scgate.conf', 'w').write(tmpl('scgate.conf', d=d, up=g.port['unix'], tp=g.port['tcp'], sock=SOCK, tport=TPORT, engine=engine))
        g.popen([SCGATE, '-f', f'{d}/scgate.conf'])
    return f
GWS = { 'nginx': nginx('nginx', '/usr/sbin/nginx', 1), 'nginx-nobuf': nginx('nginx-nobuf', '/usr/sbin/nginx', 0),
 'lighttpd': lighttpd('lighttpd', '/usr/sbin/lighttpd', '/usr/lib/lighttpd'), 'apache': apache,
 'scgate': scgate('scgate', 'auto'), 'scgate-epoll': scgate('scgate-epoll', 'epoll') }
if INST:  # a folder with newer peers: nginx/sbin/nginx and lighttpd/{sbin,lib}
    _m = (glob.glob(INST + '/lighttpd/lib*/lighttpd') + glob.glob(INST + '/lighttpd/lib/*/lighttpd') + glob.glob(INST + '/lighttpd/lib*') + [''])[0]
    GWS['nginx-new'] = nginx('nginx-new', INST + '/nginx/sbin/nginx', 1); GWS['nginx-new-nobuf'] = nginx('nginx-new-nobuf', INST + '/nginx/sbin/nginx', 0)
    GWS['lighttpd-new'] = lighttpd('lighttpd-new', INST + '/lighttpd/sbin/lighttpd', _m)
#        backend kind, lgen args
WL = {
 'W1': ('unix', '-c 64 -p /b/1024 -d {D}', 'GET 1 KiB, Unix, 64 conns'),
 'W1c1': ('unix', '-c 1 -p /b/1024 -d {D}', 'GET 1 KiB, Unix, 1 conn'),
 'W1n': ('unix', '-c 64 -p /n/1024 -d {D}', 'GET 1 KiB without Content-Length, Unix'),
 'W2': ('tcp', '-c 64 -p /b/1024 -d {D}', 'GET 1 KiB, TCP, 64 conns'),
 'W3u': ('unix', '-c 16 -p /b/1048576 -d {D}', 'GET 1 MiB, Unix, 16 conns'),
 'W3t': ('tcp', '-c 16 -p /b/1048576 -d {D}', 'GET 1 MiB, TCP, 16 conns'),
 'W4u': ('unix', '-c 4 -p /b/104857600 -n 24', 'GET 100 MiB, Unix, 4 conns'),
 'W4t': ('tcp', '-c 4 -p /b/104857600 -n 24', 'GET 100 MiB, TCP, 4 conns'),
 'W5': ('unix', '-c 64 -p /p -P 65536 -d {D}', 'POST 64 KiB, Unix, 64 conns'),
 'W6u': ('unix', '-c 2 -p /p -P 104857600 -n 12', 'POST 100 MiB, Unix, 2 conns'),
 'W6t': ('tcp', '-c 2 -p /p -P 104857600 -n 12', 'POST 100 MiB, TCP, 2 conns'),
 'W7': ('unix', '-I ' + os.environ.get('BENCH_IDLE', '10000') + ' -c 16 -p /b/1024 -r 2000 -d {D} -W', '10,000 idle + 2,000 req/s'),
 'W8': ('unix', '-c 1000 -p /d/50ms -d {D}', '50 ms backend, 1,000 conns, Unix'),
 'W8t': ('tcp', '-c 1000 -p /d/50ms -d {D}', '50 ms backend, 1,000 conns, TCP'),
 'W9': ('unix', '-c 64 -p /b/1024 -r 4000 -d {D}', '4,000 req/s open loop, Unix'),
 'W9t': ('tcp', '-c 64 -p /b/1024 -r 4000 -d {D}', '4,000 req/s open loop, TCP'),
 'W10': ('h2', 'h2load', 'HTTP/2 (h2c) GET 1 KiB, Unix, 8 conns x 16 streams'),
}
def cpus():
    r = {}
    for l in open('/proc/stat'):
        f = l.split()
        if re.match(r'cpu\d', f[0]): v = list(map(int, f[1:9])); r[f[0][3:]] = (sum(v), v[3] + v[4])
    return r
def ksoft():
    for p in glob.glob('/proc/[0-9]*/comm'):
        try:
            if open(p).read().strip() == f'ksoftirqd/{GWCPU}': return int(open(p.replace('comm', 'schedstat')).read().split()[0]) / 1e3
        except OSError: pass
    return 0
def run(g, w, dur, timeout=90):
    kind, args, _ = WL[w]
    if kind not in g.port: return None
    g.hwm_reset(); r0 = g.rss(); h0 = g.rss('VmRSS')
    p = g.port[kind]
    if args == 'h2load':
        n = 40000; a0, k0, c0, t0 = g.cpu(), ksoft(), cpus(), time.time()
        o = sp.run(['taskset', '-c', LDCPU, 'h2load', '-c', '8', '-m', '16', '-n', str(n), f'http://127.0.0.1:{p}/b/1024'], capture_output=True, text=True, timeout=timeout).stdout
        a1, k1, c1, t1 = g.cpu(), ksoft(), cpus(), time.time()
        ok = int(re.search(r'(\d+) succeeded', o).group(1)); s2 = int(re.search(r'(\d+) 2xx', o).group(1))
        j = {'done': s2, 'errs': n - s2, 'rps': float(re.search(r'([\d.]+) req/s', o).group(1)), 'p50': 0, 'p99': 0, 'MBps': 0, 'secs': t1 - t0, 'cpu': 0}
    else:
        cmd = ['taskset', '-c', LDCPU, H + '/lgen', '-t', f'127.0.0.1:{p}'] + args.format(D=dur).split()
        q = sp.Popen(cmd, stdin=sp.PIPE, stdout=sp.PIPE, text=True)
        if '-W' in args:
            ready = q.stdout.readline(); time.sleep(.3); j_idle = g.rss() - r0
        a0, s0, k0, c0 = g.cpu(), g.cpustat(), ksoft(), cpus()
        if '-W' in args: q.stdin.write('\n'); q.stdin.flush()
        try: out, _ = q.communicate(timeout=timeout)
        except sp.TimeoutExpired: q.kill(); q.wait(); return {'fail': 'timeout'}
        a1, s1, k1, c1 = g.cpu(), g.cpustat(), ksoft(), cpus()
        j = json.loads(out.strip().splitlines()[-1])
        j['stat_us'] = (s1 - s0) / max(j['done'], 1)
        if '-W' in args: j['idle_kb'] = j_idle / int(os.environ.get('BENCH_IDLE', '10000')); j['ready'] = ready.split()
    n = max(j['done'], 1)
    j['us'] = (a1 - a0) / n; j['ksoft_us'] = (k1 - k0) / n
    for c, k in ((GWCPU, 'cpu0'), (LDCPU, 'cpu1')):
        t, i = c1[c][0] - c0[c][0], c1[c][1] - c0[c][1]; j[k] = 100 * (1 - i / t) if t else 0
    j['rss0'] = r0; j['hwm'] = g.rss('VmHWM'); j['rssbase'] = h0
    return j
def syscalls(g, w, n=2000):
    kind, args, _ = WL[w]
    if kind not in g.port: return None
    of = f'{W}/strace.out'; pids = [str(x) for x in g.pids()]
    s = sp.Popen(['strace', '-c', '-f', '-o', of] + sum([['-p', x] for x in pids], []), stderr=sp.DEVNULL); time.sleep(1)
    a = re.sub(r'-[dn] \S+', '', args).split() + ['-n', str(n)]
    o = sp.run(['taskset', '-c', LDCPU, H + '/lgen', '-t', f'127.0.0.1:{g.port[kind]}'] + a, capture_output=True, text=True).stdout
    s.send_signal(signal.SIGINT); s.wait(); j = json.loads(o.splitlines()[-1]); tot = 0; d = {}
    for l in open(of):
        f = l.split()
        if len(f) >= 5 and re.match(r'[\d.]+$', f[0]) and f[-1] != 'total': d[f[-1]] = int(f[3]); tot += int(f[3])
    return tot / max(j['done'], 1), {k: round(v / j['done'], 2) for k, v in sorted(d.items(), key=lambda x: -x[1]) if v / j['done'] > .05}
def main():
    ap = argparse.ArgumentParser(); A = ap.add_argument
    A('-w', default='W1,W2,W3u,W3t,W4u,W4t,W5,W6u,W6t,W7,W8,W9'); A('-g', default='nginx,nginx-nobuf,lighttpd,apache,scgate,scgate-epoll'); A('-r', type=int, default=3); A('-d', type=float, default=2)
    A('-x', action='append', default=[]); A('-o'); A('--base', default='nginx'); A('--syscalls', action='store_true'); A('--backend', default=''); A('--keep', action='store_true')
    a = ap.parse_args(); 
    for x in a.x: n, c = x.split('=', 1); GWS[n] = extra(c)
    names = [n for n in a.g.split(',') if n] + [x.split('=', 1)[0] for x in a.x]
    for n in names:
        if n not in GWS: sys.exit(f'bench.py: unknown gateway "{n}"; there are: {", ".join(GWS)}')
    for n, exe in (('nginx', '/usr/sbin/nginx'), ('lighttpd', '/usr/sbin/lighttpd'), ('apache', '/usr/sbin/apache2'), ('scgate', SCGATE)):
        if not os.access(exe, os.X_OK):
            print(f'{n}: no {exe}, left out'); names = [x for x in names if x.split('-')[0] != n]
    be = sp.Popen(['taskset', '-c', LDCPU, H + '/scgi_backend', '-u', SOCK, '-t', str(TPORT)] + a.backend.split(), stderr=sp.DEVNULL)
    time.sleep(.2); gws = [GW(n) for n in names]; res = {}
    try:
        for g in gws: GWS[g.name](g)
        time.sleep(1.5)
        for g in gws:
            for k in ('unix', 'tcp'):
                o = sp.run([H + '/lgen', '-t', f'127.0.0.1:{g.port[k]}', '-c', '1', '-n', '3', '-p', '/b/2000', '-V'], capture_output=True, text=True).stdout
                if '"done":3,"errs":0,"non2xx":0' not in o: print('!!', g.name, k, o)
        for w in [x for x in a.w.split(',') if x]:
            rows = {g.name: [] for g in gws}
            for r in range(a.r):
                for g in gws:
                    try: j = run(g, w, a.d)
                    except Exception as e: j = {'fail': repr(e)}
                    if j: rows[g.name].append(j)
                    time.sleep(.1)
            res[w] = rows; print(f'\n{w}  {WL[w][2]}   (median of {a.r})')
            print(f"{'gateway':18}{'req/s':>9}{'MB/s':>8}{'us/req':>9}{'ratio':>7}{'rps x':>7}{'min..max us':>17}{'cpu0%':>7}{'cpu1%':>6}{'p50us':>9}{'p99us':>9}{'rssKB':>8}{'peakKB':>8}{'err':>5}")
            def med(n, k): v = [x[k] for x in rows[n] if k in x]; return st.median(v) if v else 0
            for g in gws:
                n = g.name; ok = [x for x in rows[n] if 'us' in x]
                if not ok: print(f'{n:18} {rows[n]}'); continue
                b = med(a.base, 'us') if a.base in rows else 0; br = med(a.base, 'rps') if a.base in rows else 0
                print(f"{n:18}{med(n,'rps'):9.0f}{med(n,'MBps'):8.0f}{med(n,'us'):9.2f}{med(n,'us')/b if b else 0:7.2f}{med(n,'rps')/br if br else 0:7.2f}{min(x['us'] for x in ok):9.2f}..{max(x['us'] for x in ok):<7.2f}{med(n,'cpu0'):6.0f}{med(n,'cpu1'):6.0f}{med(n,'p50'):9.0f}{med(n,'p99'):9.0f}{med(n,'rss0'):8.0f}{max(x['hwm'] for x in ok):8.0f}{sum(x['errs'] for x in ok):5d}" + (f"  idle KB/conn {med(n,'idle_kb'):.2f}" if w == 'W7' else '') + (f" ksoft {med(n,'ksoft_us'):.1f}" if med(n, 'ksoft_us') > .3 else ''))
            sys.stdout.flush()
            if a.o: json.dump(res, open(a.o, 'w'))
        if a.syscalls:
            for w in ('W1', 'W2'):
                print(f'\nsyscalls per request, {w} workload under strace, 64 conns')
                for g in gws: r = syscalls(g, w); print(f'  {g.name:18} {r[0]:6.2f}  {r[1]}'); sys.stdout.flush()
    finally:
        for g in gws: g.stop()
        be.terminate(); be.wait()
main()
