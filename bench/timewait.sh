#!/bin/bash
# Ephemeral ports and TIME_WAIT, in a private network namespace with only 2,000 ephemeral ports (as root):
#     make -C bench && unshare -n bench/timewait.sh [PATH/scgate]
# Prints requests that went well and that failed, and where the TIME_WAIT sockets are.
set -eu
cd "$(dirname "$0")"
scgate=${1:-../build/scgate}
ip link set lo up
sysctl -qw net.ipv4.ip_local_port_range="40000 41999"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

one() # one LABEL TW_REUSE [FLAG OF THE BACKEND...]
{
    local label=$1 reuse=$2 port=$((18250 + RANDOM % 40)) backend gateway result
    shift 2
    sysctl -qw net.ipv4.tcp_tw_reuse="$reuse"
    cat >"$work/scgate.conf" <<CONF
ServerRoot $work
PidFile $work/scgate.pid
ServerName 127.0.0.1
WorkerProcesses 1
Listen 127.0.0.1:18249
ErrorLog $work/error.log
LogLevel crit
MaxKeepAliveRequests 0
ProxyPass "/" "scgi://127.0.0.1:$port/"
CONF
    ./scgi_backend -t $port "$@" 2>/dev/null &
    backend=$!
    "$scgate" -f "$work/scgate.conf" &
    gateway=$!
    sleep .5
    result=$(./lgen -t 127.0.0.1:18249 -c 16 -p /b/1024 -d 3 |
        sed -E 's/.*"done":([0-9]+),"errs":([0-9]+),"non2xx":([0-9]+).*/\1 answered, \2 errors, \3 not 2xx/')
    echo "$label: $result; TIME_WAIT: $(ss -Htan state time-wait "( dport = :$port )" | wc -l) at the gateway," \
        "$(ss -Htan state time-wait "( sport = :$port )" | wc -l) at the backend"
    kill $gateway $backend
    wait $gateway $backend 2>/dev/null || :
    ss -K state time-wait >/dev/null 2>&1 || :
}

one "the backend closes first, tcp_tw_reuse=2" 2
one "the backend closes first, tcp_tw_reuse=0" 0
one "the backend never closes first, tcp_tw_reuse=0 (as if it were remote)" 0 -H
one "the backend never closes first, tcp_tw_reuse=2" 2 -H
one "the backend resets, tcp_tw_reuse=0" 0 -R
