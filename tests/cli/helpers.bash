# Shared by the .bats files of this folder. Every test has a directory of its own, $BATS_TEST_TMPDIR, and a data
# directory in it that all tools use without being told.
PATH=${MQ_BIN_DIR:?the directory of the tools}:$PATH
: "${MQ_GOLDEN_DIR:?the unpacked golden data}"

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    export MQ_DATA_DIR=$BATS_TEST_TMPDIR/data
    unset MQ_BOOTSTRAP_SERVER NO_COLOR FORCE_COLOR
}

# end_jobs [PID]: ends what a test has left in the background, but for this process. By what the shell knows to be
# running: the number of a process that has ended may be another one's by now.
end_jobs() {
    local job
    for job in $(jobs -pr); do
        [[ $job == "${1-}" ]] || kill -KILL "$job" 2>/dev/null || true
    done
}

teardown() { end_jobs; }

# status_of 64 mq-produce --bogus: runs it, holds its exit status against the first argument.
# Its words are in $stderr, what it printed in $output.
status_of() {
    local expected=$1
    shift
    stderr_file=$BATS_TEST_TMPDIR/stderr
    set +e
    output=$("$@" 2>"$stderr_file" </dev/null)
    local got=$?
    set -e
    stderr=$(<"$stderr_file")
    if [[ $got -ne $expected ]]; then
        echo "status $got instead of $expected: $*" >&2
        echo "$stderr" >&2
        return 1
    fi
}

# times_out CHECK COMMAND...: runs it with --timeout, which ends it with 124. The time is 100 ms; a machine that has not
# come to what CHECK asks for by then gets more.
times_out() {
    local check=$1 time
    shift
    for time in 100ms 1s 10s 100s; do
        status_of 124 "$@" --timeout $time || return
        if eval "$check"; then return 0; fi
    done
    echo "it never came to: $check; but: $output $stderr" >&2
    return 1
}

# The last run said this (a part of it) on stderr, in one line.
says() {
    [[ $stderr == *"$1"* ]] || { echo "not said: $1; but: $stderr" >&2; return 1; }
    [[ $(wc -l <"$stderr_file") -le ${2:-1} ]] || { echo "too many words: $stderr" >&2; return 1; }
}

same() { diff <(printf '%s' "$1") <(printf '%s' "$2"); }

# as_other COMMAND...: without root's rights. let_others_in lets such a user reach, and write, the test's directory.
as_other() {
    if [[ $(id -u) -eq 0 ]]; then
        setpriv --reuid=65534 --clear-groups "$@"
    else
        "$@"
    fi
}
let_others_in() {
    local directory
    for directory in "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")"; do chmod 0755 "$directory"; done
    chmod 0777 "$BATS_TEST_TMPDIR"
}
