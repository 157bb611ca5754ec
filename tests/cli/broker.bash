# For tests that run mq-broker.

# start [OPTION...]: a broker of the directory data on a free port, in the background. Once it answers $pid is the
# broker, $address where, and $metrics the address of its pages; its log is in the file log.
start() {
    local log=${LOG:-log}
    : >"$log"
    mq-broker -D data -l 127.0.0.1:0 --metrics 127.0.0.1:0 "$@" >out 2>"$log" </dev/null &
    pid=$!
    await_line '[ "]serving ' "$log"
    address=$(sed -n 's/.*listening on \(127[^"]*\).*/\1/p' "$log")
    metrics=$(sed -n 's,.*metrics at \(http.*\)/metrics.*,\1,p' "$log")
}

# await_line REGEX FILE: until a line of the file has it; fails when the broker ends before, or nothing comes for long.
await_line() {
    local end=$((SECONDS + 60))
    until grep -qE -e "$1" "$2"; do
        if [[ $SECONDS -gt $end ]] || ! kill -0 "$pid" 2>/dev/null; then
            grep -qE -e "$1" "$2" || { cat "$2" >&2; return 1; }
        fi
    done
}

# ends STATUS: the broker does, so.
ends() {
    local got=0
    wait "$pid" || got=$?
    [[ $got -eq $1 ]] || { echo "status $got instead of $1" >&2; cat log >&2; return 1; }
}

stop() {
    kill "$pid"
    ends 143
}
