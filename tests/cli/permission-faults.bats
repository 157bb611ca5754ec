# RELIABILITY rows 18 and 36: what may not be read or written, and what somebody planted. Every tool says so and ends
# with its status; nothing is followed, nothing else is touched.
load helpers

# A topic and a directory that an unprivileged user may use, and copies of the tools that it may run.
prepare() {
    let_others_in
    mkdir -p bin
    cp "$MQ_BIN_DIR"/mq-{produce,consume,topics,dump-segment} bin/
    chmod -R a+rX bin
    seq 1 9 | as_other bin/mq-produce -q -D data t
    seq 1 5 | as_other bin/mq-produce -q -D data other
}
log=data/t-0/00000000000000000000.log

# status_is 77 TOOL...: as the unprivileged user.
status_is() {
    local expected=$1
    shift
    # Not by status_of: its own file of words belongs to the one who runs it.
    local got=0
    as_other "$@" >out 2>words </dev/null || got=$?
    if [[ $got -ne $expected ]]; then
        echo "status $got instead of $expected: $*" >&2
        cat words >&2
        return 1
    fi
    [[ $expected -eq 0 || -s words ]] || { echo "no word: $*" >&2; return 1; }
}
produces() {
    local expected=$1
    shift
    local got=0
    echo x | as_other bin/mq-produce -q -D data "$@" >out 2>words || got=$?
    [[ $got -eq $expected ]] || { echo "status $got instead of $expected: mq-produce $*" >&2; cat words >&2; return 1; }
}
other_is_well() {
    same "$(as_other bin/mq-consume -D data other -e | tail -1)" "${1:-5}"
}

@test "77: a data directory that may not be entered" {
    prepare
    chmod 0000 data
    status_is 77 bin/mq-consume -D data t -e
    status_is 77 bin/mq-topics -D data list
    status_is 77 bin/mq-topics -D data create new
    produces 77 t
    chmod 0755 data
}

@test "a directory that may not be written is read and followed by whoever may read it" {
    prepare
    chmod -R a+rX data
    chmod -R a-w data
    same "$(as_other bin/mq-consume -D data t -e | tail -1)" 9
    status_is 0 bin/mq-topics -D data list
    produces 77 t
    status_is 77 bin/mq-topics -D data create new
    status_is 77 bin/mq-topics -D data delete t -y
    chmod -R u+w data
    same "$(as_other bin/mq-consume -D data t -e | tail -1)" 9
}

@test "77: one topic may not be read; the others are unaffected" {
    prepare
    chmod 0000 data/t-0
    status_is 77 bin/mq-consume -D data t -e
    produces 77 t
    produces 0 other
    other_is_well x
    chmod 0750 data/t-0
    same "$(as_other bin/mq-consume -D data t -e | tail -1)" 9
}

@test "77: one segment may not be read, or not be written" {
    prepare
    chmod 0000 $log
    status_is 77 bin/mq-consume -D data t -e
    status_is 77 bin/mq-dump-segment $log
    produces 77 t
    chmod 0440 $log
    same "$(as_other bin/mq-consume -D data t -e | tail -1)" 9
    produces 77 t
    other_is_well
}

@test "77 or 73: a parent in which nothing can be made" {
    prepare
    mkdir -m 0555 closed
    status=0
    echo x | as_other bin/mq-produce -q -D closed/data t >out 2>words || status=$?
    [[ $status -eq 77 || $status -eq 73 ]]
    [[ -s words && ! -e closed/data ]]
}

@test "an immutable data directory: said, with its status; nothing is lost" {
    prepare
    if [[ $(id -u) -ne 0 ]] || ! chattr +i data 2>/dev/null; then
        # Not every file system has the flag, and only root may set it: then a directory without write permission stands in.
        chmod 0555 data
    fi
    status=0
    as_other bin/mq-topics -D data create new >out 2>words || status=$?
    [[ $status -eq 77 || $status -eq 73 ]]
    [[ -s words ]]
    same "$(as_other bin/mq-consume -D data t -e | tail -1)" 9
    chattr -i data 2>/dev/null || true
    chmod 0755 data
    produces 0 t
    same "$(as_other bin/mq-consume -D data t -e | tail -1)" x
}

@test "files of another owner: read if the mode allows, never written" {
    prepare
    [[ $(id -u) -eq 0 ]] || return 0 # only root gives files away
    chown 0 $log
    chmod 0644 $log
    same "$(as_other bin/mq-consume -D data t -e | tail -1)" 9
    produces 77 t
    other_is_well
}

@test "umask 0 and 077: what one makes the next reads, as far as the modes say" {
    let_others_in
    (umask 0 && echo a | mq-produce -q -D open t)
    (umask 077 && echo b | mq-produce -q -D closed t)
    same "$(stat -c %a open/t-0 closed/t-0 | paste -sd ' ')" '750 700'
    same "$(stat -c %a open/t-0/*.log closed/t-0/*.log | paste -sd ' ')" '640 600'
    same "$(mq-consume -D closed t -e)" b
}

# plant KIND PATH: something else where a file of the directory is or would be.
plant() {
    rm -rf "$2"
    case $1 in
        link) ln -s "$PWD/victim" "$2" ;;
        hard) ln victim "$2" ;;
        fifo) mkfifo "$2" ;;
        directory) mkdir "$2" ;;
    esac
}

@test "77: plants in place of .lock and .mq-control are refused by every tool and not followed" {
    echo precious >victim
    before=$(stat -c '%s %Y %i' victim; cat victim)
    for place in .lock .mq-control; do
        for kind in link hard fifo directory; do
            rm -rf data
            seq 1 9 | mq-produce -q t
            plant "$kind" "data/$place"
            echo "$kind for $place"
            echo x >in
            status_of 77 mq-produce t in
            status_of 77 mq-consume t -e
            status_of 77 mq-topics list
            status_of 77 mq-topics create new
            same "$(stat -c '%s %Y %i' victim; cat victim)" "$before"
        done
    done
}

@test "plants in place of segments and indexes are not followed" {
    echo precious >victim
    before=$(stat -c '%s %Y %i' victim; cat victim)
    for file in 00000000000000000000.log 00000000000000000000.index 00000000000000000000.timeindex leader-epoch-checkpoint; do
        for kind in link fifo directory; do
            rm -rf data
            seq 1 9 | mq-produce -q t
            plant "$kind" "data/t-0/$file"
            echo "$kind for $file"
            echo x >in
            for tool in "mq-produce t in" "mq-consume t -e" "mq-dump-segment data/t-0/$file"; do
                status=0
                timeout 20 $tool >out 2>words </dev/null || status=$?
                # An index is only a hint: what is no index is left alone. Nothing hangs, nothing dies of a signal.
                [[ $status -le 78 && $status -ne 70 ]] || { echo "$tool: $status"; cat words; false; }
                # What somebody names himself, to look at it, is followed.
                [[ $file != *.log || $kind != link || $tool == mq-dump-segment* || $status -eq 77 ]] || { echo "$tool: $status"; cat words; false; }
            done
            same "$(stat -c '%s %Y %i' victim; cat victim)" "$before"
        done
    done
}

@test "plants in place of the files of the root are not followed" {
    echo precious >victim
    before=$(stat -c '%s %Y %i' victim; cat victim)
    for file in mq-topics.json recovery-point-offset-checkpoint replication-offset-checkpoint log-start-offset-checkpoint \
        meta.properties .kafka_cleanshutdown mq-topics.json.tmp; do
        for kind in link fifo directory; do
            rm -rf data
            seq 1 9 | mq-produce -q t
            plant "$kind" "data/$file"
            echo "$kind for $file"
            echo x >in
            for tool in "mq-produce t in" "mq-consume t -e" "mq-topics list" "mq-topics create new"; do
                status=0
                timeout 20 $tool >out 2>words </dev/null || status=$?
                [[ $status -le 78 && $status -ne 70 ]] || { echo "$tool: $status"; cat words; false; }
            done
            same "$(stat -c '%s %Y %i' victim; cat victim)" "$before"
        done
    done
}

@test "a symbolic link for a topic's directory leads nowhere" {
    seq 1 9 | mq-produce -q t
    mkdir elsewhere
    ln -s "$PWD/elsewhere" data/planted-0
    for tool in "mq-produce planted in" "mq-consume planted -e" "mq-topics delete planted -y"; do
        echo x >in
        status=0
        timeout 20 $tool >out 2>words </dev/null || status=$?
        [[ $status -ne 70 && $status -le 78 ]]
    done
    same "$(ls -A elsewhere)" ''
}
