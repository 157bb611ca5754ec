# Moving groups, undoing it, and doing it beside others.
load helpers

fill() {
    mq-topics -q create t -p 2
    seq 1 10 | mq-produce -q t -p 0 --timestamp 1700000000000
    seq 1 5 | mq-produce -q t -p 1 --timestamp 1700003600000
    mq-offsets -q set g t:0=3 t:1=5 >/dev/null
}
# "3 5": where g is.
at() { mq-offsets export "${1:-g}" | cut -d, -f3 | paste -sd' '; }
# A member of g, whose id is in $member; ends with the test, or by leave.
join() {
    mq-consume -g g t -o end --commit never >members.out 2>members.err &
    member=$!
    until [[ $(mq-offsets describe --members g --plain --fields partitions 2>/dev/null) == 2 ]]; do
        kill -0 $member || { cat members.err >&2; return 1; }
    done
}
leave() {
    kill -TERM $member
    wait $member || true
}

@test "reset --to, in every way" {
    fill
    while read -r to expected; do
        mq-offsets -q set g t:0=3 t:1=5 -y >/dev/null
        mq-offsets -q reset g t $to -y >/dev/null 2>&1
        same "$(at)" "$expected" || { echo "$to" >&2; return 1; }
    done <<'END'
--to=earliest 0 0
--to=start 0 0
--to=latest 10 5
--to=end 10 5
--to=current 3 5
--to=committed 3 5
--to=4 4 4
--to=+2 2 2
--to=-2 8 3
--to=end-1 9 4
--to=start+1 1 1
--to=@1700000000000 0 0
--to=@2023-11-14T22:13:20.001Z 10 0
--to=@2023-11-14 0 0
--to=@-1h 10 5
--to=@-PT1H 10 5
--to=1=2 3 2
--to-earliest 0 0
--to-latest 10 5
--to-current 3 5
--to-offset=4 4 4
--to-datetime=2023-11-14T22:13:20.001 10 0
--to-datetime=2023-11-14T23:13:20.001+01:00 10 0
--by-duration=PT1H 10 5
--by-duration=P20000D 0 0
--shift-by=-2 1 3
--shift-by=2 5 5
--shift-by=0 3 5
END
    mq-offsets -q reset g t --to 0=1 --to 1=4 -y >/dev/null
    same "$(at)" '1 4'
    mq-offsets -q reset g t --to earliest --to 1=end -y >/dev/null
    same "$(at)" '0 5'
}

@test "wish 9: a time in the future is the end, and that is said" {
    fill
    for to in --to=@+1h --to-datetime=2999-01-01T00:00:00.000; do
        mq-offsets -q set g t:0=3 -y >/dev/null
        status_of 0 mq-offsets reset g t:0 $to -y
        says 'lies in the future: it means the end of the log'
        same "$(at)" '10 5'
    done
}

@test "offsets out of range are brought into it, as Kafka does, and that is said" {
    fill
    mq-topics -q trim t --before 0=2 -y >/dev/null
    status_of 0 mq-offsets reset g t:0 --to 11 -y
    says 'warning: new offset (11) is higher than the latest offset of t-0: it will be set to 10'
    same "$(at)" '10 5'
    status_of 0 mq-offsets reset g t:0 --to 1 -y
    says 'warning: new offset (1) is lower than the earliest offset of t-0: it will be set to 2'
    same "$(at)" '2 5'
    status_of 0 mq-offsets reset g t:0 --shift-by -100 -y
    says 'is lower than the earliest'
    status_of 0 mq-offsets reset g t:0 --shift-by 9223372036854775807 -y
    same "$(at)" '10 5'
    status_of 0 mq-offsets set g t:0=99 -y
    says 'is higher than the latest'
    printf 'g,t,0,99\n' >file
    status_of 0 mq-offsets import file -y
    says 'is higher than the latest'
}

@test "reset prints what Kafka's tool prints, and the old offset" {
    fill
    same "$(mq-offsets reset g t:0 --to 1 -y)" $'GROUP  TOPIC  PARTITION  NEW-OFFSET  OLD-OFFSET\ng      t              0           1           3'
    same "$(mq-offsets reset g t:0 --to 2 -y --json)" '{"group":"g","topic":"t","partition":0,"new_offset":2,"old_offset":1}'
}

@test "the scope: partitions, all topics, all groups, patterns, new ones" {
    fill
    mq-topics -q create u
    seq 1 4 | mq-produce -q u
    mq-offsets -q set g2 u:0=2 >/dev/null
    mq-offsets -q reset g --topic t:1 --to 1 -y >/dev/null
    same "$(at)" '3 1'
    mq-offsets -q reset g t:0-1 --to 2 --execute >/dev/null
    same "$(at)" '2 2'
    mq-offsets -q reset --all-groups --all-topics --to earliest -y >/dev/null
    same "$(mq-offsets export --all)" $'g,t,0,0\ng,t,1,0\ng2,u,0,0'
    mq-offsets -q reset -r 'g.' --all-topics --to 3 -y >/dev/null
    same "$(mq-offsets export --all)" $'g,t,0,0\ng,t,1,0\ng2,u,0,3'
    status_of 66 mq-offsets reset g u --to earliest -y
    says "group 'g' has committed nothing of topic 'u': give --allow-new"
    status_of 66 mq-offsets reset new u --to earliest -y
    says "group 'new': no such group"
    mq-offsets -q reset g u --to 1 --allow-new -y >/dev/null
    mq-offsets -q reset new u --to 1 --allow-new >/dev/null
    same "$(mq-offsets export --all)" $'g,t,0,0\ng,t,1,0\ng,u,0,1\ng2,u,0,3\nnew,u,0,1'
}

@test "what nobody loses by needs no consent; what somebody does needs -y, or a terminal's" {
    fill
    for words in 'reset g t --to 0' 'set g t:0=1' 'forget g t' 'delete g' 'copy g2 g'; do
        mq-offsets -q set g2 t:0=7 -y >/dev/null
        status_of 64 mq-offsets $words
        says 'there is nobody to ask: give -y to do it' 4
        says "group 'g'" 4
        same "$(at)" '3 5'
        status_of 0 mq-offsets $words -n
        same "$(at)" '3 5'
    done
    status_of 0 mq-offsets set g t:0=3
    script -qec 'mq-offsets -q set g t:0=1' /dev/null <<<n >/dev/null && return 1
    same "$(at)" '3 5'
    script -qec 'mq-offsets -q set g t:0=1' /dev/null <<<y >/dev/null
    same "$(at)" '1 5'
}

@test "set, copy, forget, delete" {
    fill
    status_of 0 mq-offsets copy g h
    same "$(at h)" '3 5'
    mq-offsets -q copy g i t:1 >/dev/null
    same "$(mq-offsets export i)" 't,1,5'
    mq-offsets -q forget h t:0 -y >/dev/null
    same "$(mq-offsets export h)" 't,1,5'
    mq-offsets -q set h t:0=end t:1=1 -y >/dev/null
    same "$(at h)" '10 1'
    status_of 0 mq-offsets delete h i -y
    says "group 'i': deleted" 2
    same "$(mq-offsets list --names)" g
    mq-offsets -q delete -r '.*' -y >/dev/null
    same "$(mq-offsets list --names)" ''
}

@test "undo: what --save-old wrote, import takes back" {
    fill
    mq-offsets -q reset g t --to earliest -y --save-old old.csv >/dev/null
    same "$(cat old.csv)" $'g,t,0,3\ng,t,1,5'
    mq-offsets -q import old.csv -y >/dev/null
    same "$(at)" '3 5'
    # What was not committed before is forgotten again.
    mq-offsets -q forget g t:1 -y >/dev/null
    mq-offsets -q reset g t --to earliest -y --save-old two.csv >/dev/null
    same "$(cat two.csv)" $'g,t,0,3\ng,t,1,-1'
    mq-offsets -q import two.csv -y >/dev/null
    same "$(mq-offsets export g)" 't,0,3'
    # Metadata and leader epochs come back from JSON.
    echo '{"group":"g","topic":"t","partition":0,"offset":4,"leader_epoch":0,"metadata":"by hand"}' | mq-offsets -q import - -y >/dev/null
    mq-offsets -q delete g -y --save-old old.json
    status_of 66 mq-offsets describe g
    mq-offsets -q import old.json >/dev/null
    same "$(mq-offsets describe g --plain --fields current_offset,leader_epoch,metadata)" $'4\t0\tby hand'
    # Several groups in one file; it is never written over.
    mq-offsets -q set h t:0=1 >/dev/null
    mq-offsets -q reset --all-groups --all-topics --to end -y --save-old both.csv >/dev/null
    same "$(cat both.csv)" $'g,t,0,4\nh,t,0,1'
    status_of 73 mq-offsets reset g t:0 --to 1 -y --save-old both.csv
    says 'both.csv: has something in it already'
    same "$(at)" 10
}

@test "--if-current: nothing is changed if somebody else did" {
    fill
    mq-offsets export g >now.csv
    mq-offsets -q reset g t --to 1 -y --if-current now.csv >/dev/null
    same "$(at)" '1 1'
    status_of 75 mq-offsets reset g t --to 2 -y --if-current now.csv --save-old old.csv
    says "group 'g', t-0: committed is 1, and not 3 as --if-current has it: nothing of the group was changed"
    same "$(at)" '1 1'
    same "$(cat old.csv)" ''
    mq-offsets -q forget g t:1 -y >/dev/null
    mq-offsets export g >now.csv
    mq-offsets -q set g t:1=1 >/dev/null
    status_of 75 mq-offsets reset g t --to 2 -y --if-current now.csv
    says 't-1: committed is 1, and not -'
    same "$(at)" '1 1'
}

@test "--if-current: of many at the same time exactly one changes the group" {
    fill
    for round in {1..10}; do
        mq-offsets export g >now.csv
        pids=()
        for i in {0..5}; do
            mq-offsets -q set g t:0=$(((round + i) % 9 + 1)) t:1=$i -y --if-current now.csv >/dev/null 2>&1 &
            pids+=($!)
        done
        done=0
        for pid in "${pids[@]}"; do
            status=0
            wait "$pid" || status=$?
            [[ $status -eq 0 || $status -eq 75 ]]
            [[ $status -ne 0 ]] || done=$((done + 1))
        done
        # Who sets what is there already leaves the file true for the next one.
        [[ $done -ge 1 ]]
        both=$(at)
        [[ $both =~ ^([0-9]+)\ ([0-9]+)$ ]]
        [[ $(((round + BASH_REMATCH[2]) % 9 + 1)) -eq ${BASH_REMATCH[1]} ]]
    done
}

@test "wish 10: a group with members is refused with 75, and they are named" {
    fill
    join
    for words in 'reset g t --to earliest' 'set g t:0=1' 'forget g t' 'delete g' 'import old.csv'; do
        printf 'g,t,0,1\n' >old.csv
        status_of 75 mq-offsets $words -y
        says 'has 1 member: '
        says mq-consume
        same "$(at)" '3 5'
    done
    same "$(mq-offsets describe --state g --plain --fields state,members)" $'Stable\t1'
    same "$(mq-offsets describe g --plain --fields client_id | uniq)" mq-consume
    same "$(mq-offsets describe --members g --plain --fields partitions,pid,assignment)" $'2\t'"$member"$'\tt(0,1)'
    # Looking, and what would be done, disturbs nobody.
    status_of 0 mq-offsets reset g t --to earliest -n
    status_of 75 mq-offsets reset g t --to earliest -y --wait-empty 50ms
    leave
    mq-offsets -q reset g t --to earliest -y >/dev/null
    same "$(at)" '0 0'
}

@test "wish 10: --wait-empty waits for the members to leave, and for the dead" {
    fill
    for signal in TERM KILL; do
        mq-offsets -q set g t:0=3 t:1=5 -y >/dev/null
        join
        mq-offsets -q reset g t --to earliest -y --wait-empty 1m >/dev/null &
        changer=$!
        kill -$signal $member
        wait $changer
        same "$(at)" '0 0'
        wait $member || true
    done
}

@test "killed in the middle, a change is whole or not at all" {
    mq-topics -q create many -p 50
    seq 1 500 | mq-produce -q many
    mq-offsets -q reset g many --to earliest --allow-new >/dev/null
    for i in {1..15}; do
        mq-offsets -q reset g many --to end -y >/dev/null 2>&1 &
        pid=$!
        for _ in $(seq $((i * 3))); do :; done
        kill -KILL $pid 2>/dev/null || true
        wait $pid || true
        left=$(mq-offsets lag g --plain --fields lag)
        [[ $left -eq 0 || $left -eq 500 ]]
        mq-offsets -q fsck
        mq-offsets -q reset g many --to earliest -y >/dev/null
    done
}
