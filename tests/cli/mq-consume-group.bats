# mq-consume -g: real processes that share a topic, each with a pipe of its own. Events are awaited, nothing sleeps.
load helpers

# member NAME [OPTION...]: starts one in the background; its output goes through a pipe into NAME.out, its events come
# to a descriptor.
declare -gA pids readers events owned place
member() {
    local name=$1
    shift
    mkfifo "$name.events" "$name.pipe"
    cat <"$name.pipe" >"$name.out" 3>&- &
    readers[$name]=$!
    env --default-signal=INT mq-consume "$@" --events-fd 8 8>"$name.events" >"$name.pipe" 2>"$name.words" 3>&- &
    pids[$name]=$!
    exec {fd}<"$name.events"
    events[$name]=$fd
    owned[$name]=0
}

teardown() {
    end_jobs
    tail -v -n 5 ./*.words 2>/dev/null || true
}

# What an event of NAME says of who owns how much, and of how far a partition has come.
note() {
    [[ $event != *'"event":"assigned"'* ]] || owned[$1]=$((owned[$1] + 1))
    [[ $event != *'"event":"revoked"'* ]] || owned[$1]=$((owned[$1] - 1))
    [[ ! $event =~ '"event":"committed"'.*'"partition":'([0-9]+),'"offset":'([0-9]+) ]] || place[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]}
}

# The next event of NAME that has this in it, in $event.
await() {
    while read -r -t 60 -u "${events[$1]}" event; do
        note "$1"
        [[ $event != *"$2"* ]] || return 0
    done
    echo "no event $2 of $1; $(cat "$1.words")" >&2
    return 1
}
owns() { while [[ ${owned[$1]} -ne $2 ]]; do await "$1" '"event"'; done; }

# all_committed OFFSET NAME...: the members have committed so much of each of the six partitions. A line is begun to be
# read when there is one, and then read to its end: a time-out in the middle would tear it.
all_committed() {
    local name p last=$1 end=$((SECONDS + 120)) never
    shift
    exec {never}<> <(:)
    while [[ $SECONDS -lt $end ]]; do
        for name in "$@"; do
            while read -t 0 -u "${events[$name]}" && read -r -t 60 -u "${events[$name]}" event; do note "$name"; done
        done
        for p in 0 1 2 3 4 5; do
            [[ ${place[$p]:-0} -eq $last ]] && continue
            read -r -t 0.01 -u $never || true
            continue 2
        done
        return 0
    done
    echo "not all has been committed: ${place[*]}" >&2
    return 1
}

ended_with() {
    local got=0
    wait "${pids[$1]}" || got=$?
    [[ -z ${readers[$1]:-} ]] || wait "${readers[$1]}"
    [[ $got -eq $2 ]] || { echo "status $got instead of $2: $(cat "$1.words")" >&2; return 1; }
}

append() { mq-produce -q "$@"; }

# What GROUP has committed, "topic-partition offset" a line.
committed() {
    mq-consume -q __consumer_offsets -e --decode offsets |
        jq -r --arg g "$1" 'select(.key.type == "offset_commit" and .key.group == $g)
            | "\(.key.topic)-\(.key.partition) \(.value.offset // "none")"' |
        awk '{ last[$1] = $2 } END { for (place in last) if (last[place] != "none") print place, last[place] }' | sort
}

# One of records 1..N to each of the partitions 0..5, told apart by their partition.
fill() {
    local p
    for p in 0 1 2 3 4 5; do seq -f "$p %.0f" "$1" "$2" | append t --create=6 -p $p; done
}
all_of() {
    local p
    for p in 0 1 2 3 4 5; do seq -f "$p %.0f" "$1" "$2"; done | sort
}

@test "P9, GRP-L1: three on six partitions have two each; a killed one's are read by the others, and nothing is left out" {
    fill 1 100
    member a t -g g
    owns a 6
    member b t -g g
    owns b 3
    owns a 3
    member c t -g g
    owns c 2
    owns b 2
    owns a 2
    fill 101 200
    all_committed 200 a b c
    kill -KILL "${pids[b]}"
    owns a 3
    owns c 3
    fill 201 300
    all_committed 300 a c
    kill "${pids[a]}" "${pids[c]}"
    ended_with a 143
    ended_with c 143
    wait "${readers[b]}"
    # What was committed when it died was not read again, and what changed hands neither.
    same "$(sort a.out b.out c.out)" "$(all_of 1 300)"
    for p in 0 1 2 3 4 5; do same "$(grep -lE "^$p 1([0-9][1-9]|[1-9]0)$" a.out b.out c.out | wc -l)" 1; done
    same "$(committed g)" "$(for p in 0 1 2 3 4 5; do echo "t-$p 300"; done)"
}

@test "point-to-point and publish/subscribe: one group shares a topic, two get everything each" {
    fill 1 50
    mq-consume t -g one -e | sort >one
    mq-consume t -g two -e | sort >two
    same "$(cat one)" "$(all_of 1 50)"
    same "$(cat two)" "$(all_of 1 50)"
    same "$(mq-consume t -g one -e)" ''
    # Two at the same time, until nothing more comes.
    member a t -g three --idle-timeout 1s
    member b t -g three --idle-timeout 1s
    ended_with a 0
    ended_with b 0
    # One that was held up for so long has left its share to whoever comes next.
    mq-consume t -g three -e >rest
    same "$(sort a.out b.out rest)" "$(all_of 1 50)"
}

@test "wish 8: what the next program has not taken is not committed, also of one that exits in the middle" {
    seq 1 100000 | append t
    # head takes 8 KiB at a time: whole lines of those are done, the next member has the first that is not.
    status_of 0 bash -c 'set -o pipefail; mq-consume t -g g -e | head -n 5; [[ ${PIPESTATUS[0]} -eq 141 ]]'
    same "$output" "$(seq 1 5)"
    local taken
    read -r _ taken < <(committed g)
    same "$(mq-consume t -g g -c 1)" $((taken + 1))
    [[ $taken -gt 0 && $taken -lt 100000 ]]
    [[ $(seq 1 "$taken" | wc -c) -le 8192*8 && $(seq 1 $((taken + 1)) | wc -c) -gt 4096 ]]
    same "$(mq-consume t -g g -e | wc -l)" $((100000 - taken - 1))
    # Everything was taken at last.
    same "$(committed g)" 't-0 100000'
}

@test "wish 8: a commit speaks of whole records that were read from the pipe, while the reader thinks" {
    seq 1 100000 | append t
    mkfifo pipe
    exec 7<>pipe
    mkfifo a.events
    mq-consume t -g g --events-fd 8 8>a.events >pipe 2>a.words 3>&- 7<&- &
    pids[a]=$!
    exec {fd}<a.events
    events[a]=$fd owned[a]=0
    await a assigned
    dd bs=1 count=4000 <&7 >read 2>/dev/null
    await a committed
    local whole
    whole=$(wc -l <read)
    # dd reads a byte at a time: a commit may come while it is at it.
    while [[ $event != *"\"offset\":$whole}" ]]; do await a committed; done
    kill -KILL "${pids[a]}"
    exec 7<&-
    same "$(committed g)" "t-0 $whole"
    same "$(mq-consume t -g g -c 1)" $((whole + 1))
}

@test "a stopped reader keeps what is its, until it goes on" {
    fill 1 100
    mkfifo pipe
    exec 7<>pipe
    mkfifo a.events
    mq-consume t -g g --events-fd 8 8>a.events >pipe 2>a.words 3>&- 7<&- &
    pids[a]=$!
    exec {fd}<a.events
    events[a]=$fd owned[a]=0
    owns a 6
    await a caught_up
    member b t -g g --count 300
    await b joined
    # Nothing goes over before what was printed of it is read.
    same "${owned[b]}" 0
    cat <&7 >a.out &
    local reader=$!
    owns a 3
    owns b 3
    fill 101 200
    ended_with b 0
    kill "${pids[a]}"
    ended_with a 143
    exec 7<&-
    kill $reader
    cut -d' ' -f1 b.out | sort -u >of_b
    same "$(wc -l <of_b)" 3
    # b has read the second half of its partitions only.
    ! grep -E ' ([1-9]|[1-9][0-9]|100)$' b.out || false
}

@test "--timeout ends the wait for a reader that has stopped, and commits what it has taken" {
    seq 1 100000 | append t
    mkfifo pipe
    # A machine that is slow to begin, or to take, gets more time.
    local time whole
    for time in 300ms 3s 30s; do
        mq-consume t -g "g-$time" --commit exit --timeout $time >pipe 2>words 3>&- &
        exec 7<pipe
        dd bs=1 count=4000 <&7 >read 2>/dev/null
        local status=0
        wait $! || status=$?
        exec 7<&-
        same "$status" 124
        whole=$(wc -l <read)
        [[ $whole -eq 0 || $(committed "g-$time") != "t-0 $whole" ]] || break
    done
    [[ $whole -gt 0 ]]
    same "$(committed "g-$time")" "t-0 $whole"
    # All is printed, and none of it taken.
    exec 7<>pipe
    status=0
    mq-consume t -g g -c 3 --timeout 300ms >pipe 2>words 3>&- 7<&- || status=$?
    same "$status" 124
    same "$(committed g)" ''
    exec 7<&-
    same "$(mq-consume t -g g -c 1)" 1
}

@test "what a dead member leaves does not go to one that is ending, but to who reads" {
    fill 1 5
    mkfifo gate
    member a t -g g -c 1 --exec 'cat gate'
    owns a 6
    member b t -g g
    owns b 3
    owns a 3
    kill -KILL "${pids[b]}"
    # Without a reader they come to a, which wants none any more.
    owns a 1
    member c t -g g
    owns c 5
    echo done >gate
    ended_with a 0
    same "$(cat a.out)" 'done'
    owns c 6
    kill "${pids[c]}"
    ended_with c 143
    wait "${readers[b]}"
    mq-consume t -g g -e >rest
    same "$({ echo 0 1; cat b.out c.out rest; } | sort -u)" "$(all_of 1 5)"
}

@test "wish 5: -e in a group ends at the ends as they were, with several partitions and members" {
    fill 1 1000
    member a t -g g -e
    member b t -g g -e
    ended_with a 0
    ended_with b 0
    same "$(sort a.out b.out)" "$(all_of 1 1000)"
    same "$(mq-consume t -g g -e)" ''
    same "$(committed g)" "$(for p in 0 1 2 3 4 5; do echo "t-$p 1000"; done)"
    # What comes while it is at it is left for the next one.
    mkfifo pipe
    fill 1001 3000
    mq-consume t -g g -e --events-fd 8 8>started >pipe 3>&- &
    local pid=$!
    exec 7<pipe
    read -r first <&7
    fill 3001 3001
    cat <&7 >rest
    wait $pid
    same "$({ echo "$first"; cat rest; } | sort)" "$(all_of 1001 3000)"
    same "$(mq-consume t -g g -e | sort)" "$(all_of 3001 3001)"
}

@test "-c, --expect and --idle-timeout end a member; the next one goes on behind it" {
    seq 1 20 | append t
    same "$(mq-consume t -g g -c 7)" "$(seq 1 7)"
    same "$(mq-consume t -g g -c 3 --expect 3)" "$(seq 8 10)"
    status_of 1 mq-consume t -g g -e --expect 3
    says '10 records, where 3 were expected'
    same "$(mq-consume t -g g --idle-timeout 10ms)" ''
    status_of 124 mq-consume t -g g --timeout 10ms
    same "$(mq-consume t -g other -e -m 'value~5')" "$(printf '5\n15')"
    # What a filter leaves out is done with.
    same "$(committed other)" 't-0 20'
}

@test "--commit: never, at the end, once in a while" {
    seq 1 20 | append t
    mq-consume t -g g -e --commit never >/dev/null
    same "$(committed g)" ''
    mq-consume t -g g -e --commit exit | cat >/dev/null
    same "$(committed g)" 't-0 20'
    seq 21 30 | append t
    member a t -g g --commit interval:50ms
    await a '"offset":30'
    kill -KILL "${pids[a]}"
    same "$(committed g)" 't-0 30'
    # Of one that is to commit at the end, and is killed, nothing is.
    seq 31 40 | append t
    member b t -g g --commit exit
    await b caught_up
    kill -KILL "${pids[b]}"
    same "$(committed g)" 't-0 30'
    same "$(mq-consume t -g g -X enable.auto.commit=false -c 2)" "$(seq 31 32)"
    same "$(committed g)" 't-0 30'
}

@test "where a group begins: at what it has committed, else where -o says, else at the start" {
    seq 1 10 | append t
    same "$(mq-consume t -g g -o -2 -e)" "$(seq 9 10)"
    same "$(mq-consume t -g g -o start -e)" ''
    same "$(mq-consume t -X group.id=h -o committed -e)" "$(seq 1 10)"
    same "$(mq-consume t -g i -o 3:5 -e)" "$(seq 4 5)"
    same "$(committed i)" 't-0 5'
    # Who begins at the end has that for its place, even if nothing comes.
    mq-consume t -g j -o end -e
    echo 11 | append t
    same "$(mq-consume t -g j -e)" 11
}

@test "REC-3: a commit that lies before the log, or behind its end, is told of and resumed at what there is" {
    seq 1 5 | append t
    local size
    size=$(stat -c %s data/t-0/*.log)
    seq 6 10 | append t
    mq-consume t -g g -e >/dev/null
    mq-consume t -g early -c 2 >/dev/null
    # As after a crash of the machine: what was shared is gone, and the second append as well.
    rm data/.mq-control
    truncate -s "$size" data/t-0/*.log
    status_of 0 mq-consume t -g g -e
    [[ $stderr == *'t-0: the group has committed offset 10'*'going on there'* ]] || { echo "$stderr"; false; }
    seq 11 12 | append t
    same "$(mq-consume -q t -g g -e)" "$(seq 11 12)"
    mq-topics -q trim t --before 4 -y
    status_of 0 mq-consume t -g early -e
    says 't-0: the group has committed offset 2, which is gone: going on at the start of the log, 4'
    same "$output" "$(printf '5\n11\n12')"
}

@test "patterns: partitions and topics that come are read, and shared" {
    echo 1 | append apple
    member a -r 'a.*' -g g
    await a '"event":"assigned"'
    echo 2 | append avocado
    await a '"event":"assigned"'
    [[ $event == *avocado* ]]
    mq-topics -q partitions apple --to 2
    await a '"event":"assigned"'
    [[ $event == *'"topic":"apple","partition":1'* ]]
    echo 3 | append apple -p 1
    await a '"topic":"apple","partition":1,"offset":1'
    mq-topics -q delete -y avocado
    await a '"topic":"avocado"'
    echo 4 | append apple -p 1
    await a '"topic":"apple","partition":1,"offset":2'
    kill "${pids[a]}"
    ended_with a 143
    same "$(sort a.out)" "$(seq 1 4)"
}

@test "-p with -g: goes on and commits without joining, and not beside members (75)" {
    fill 1 5
    same "$(mq-consume t -g g -p 1,2 -e | sort)" "$(for p in 1 2; do seq -f "$p %.0f" 1 5; done)"
    same "$(mq-consume t -g g -p 1,2 -e)" ''
    same "$(committed g)" "$(printf 't-1 5\nt-2 5')"
    member a t -g g
    owns a 6
    status_of 75 mq-consume t -g g -p 1 -e
    [[ $stderr == *"${pids[a]}"* ]]
    # Members that come later end it at its next commit.
    kill "${pids[a]}"
    ended_with a 143
    member b t -g h -p 0
    await b committed
    member c t -g h
    await c assigned
    seq 6 9 | append t -p 0
    ended_with b 75
    kill "${pids[c]}"
    ended_with c 143
}

@test "75: an instance id that is in use is told with its process, and another assignor" {
    echo x | append t
    member a t -g g --group-instance-id worker-1
    await a committed
    status_of 75 mq-consume t -g g -e --group-instance-id worker-1
    [[ $stderr == *"${pids[a]}"* ]]
    status_of 75 mq-consume t -g g -e --assignor range
    kill "${pids[a]}"
    ended_with a 143
    same "$(mq-consume t -g g -e --group-instance-id worker-1 --assignor range)" ''
}

@test "64 and 66: what cannot be, before anything is joined" {
    mkdir data
    status_of 66 mq-consume nothing -g g -e
    says "topic 'nothing': no such topic"
    echo x | append t
    local wrong
    for wrong in --merge\ timestamp --replay --tail\ 1 --checkpoint\ f --count-only --get\ k --latest-per-key; do
        eval "status_of 64 mq-consume t -g g $wrong"
        says '-g goes with none of'
    done
    status_of 64 mq-consume t -o committed
    says '-o committed needs a group'
    status_of 64 mq-consume t --commit exit
    status_of 64 mq-consume t -g g --commit sometimes
    says 'is none of after-output, interval:DUR, exit, never'
    status_of 64 mq-consume t -g ''
    status_of 66 mq-consume -D missing t -g g -e
    [[ ! -e missing ]]
}

@test "SIGTERM: what was read is printed, taken, committed; then it dies of the signal" {
    seq 1 50000 | append t
    mkfifo pipe
    exec 7<>pipe
    mkfifo a.events
    env --default-signal=INT mq-consume t -g g --events-fd 8 8>a.events >pipe 2>a.words 3>&- 7<&- &
    pids[a]=$!
    exec {fd}<a.events
    events[a]=$fd owned[a]=0
    # It prints: more than the pipe holds, so that it waits for its reader.
    local first
    read -r -t 60 -u 7 first
    kill -INT "${pids[a]}"
    exec 6<pipe 7<&-
    { echo "$first" && cat <&6; } >a.out
    ended_with a 130
    same "$(committed g)" "t-0 $(wc -l <a.out)"
    same "$(mq-consume t -g g -e | wc -l)" $((50000 - $(wc -l <a.out)))
}

@test "--ack-fd: committed is what the other program says is done" {
    seq 1 10 | append t
    mkfifo acks
    # Takes all, and acknowledges up to the seventh.
    status_of 1 bash -c 'mq-consume t -g g -e --ack-fd 5 5<acks | { cat >taken; echo "t 0 6"; } >acks; exit ${PIPESTATUS[0]}'
    says 'the acknowledgements ended before all was acknowledged'
    same "$(cat taken)" "$(seq 1 10)"
    same "$(committed g)" 't-0 7'
    status_of 0 bash -c 'mq-consume t -g g -e --ack-fd 5 5<acks | { cat >taken; echo "t 0 9"; } >acks; exit ${PIPESTATUS[0]}'
    same "$(cat taken)" "$(seq 8 10)"
    same "$(committed g)" 't-0 10'
}

@test "retention.consumed drops what every group has committed past, at the next roll, and nothing without a group" {
    mq-topics -q create q -p 1 -C retention.consumed=true -C segment.bytes=2048
    more() { for _ in 1 2 3 4 5; do seq 100 | mq-produce -q q; done; }
    starts_at() { same "$(mq-topics offsets q --at earliest --plain)" "q:0:$1"; }
    more
    more
    starts_at 0
    mq-consume q -g ahead -c 300 >/dev/null
    mq-consume q -g behind -c 250 >/dev/null
    starts_at 0
    more
    starts_at 250
    same "$(mq-consume q -g behind -e | wc -l)" 1250
    more
    starts_at 300
    # A group that wants all of it again holds it.
    mq-offsets -q reset ahead q --to earliest -y >/dev/null
    same "$(mq-consume q -g ahead -e | head -n 1)" 1
}
