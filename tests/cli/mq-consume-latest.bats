# mq-consume --get and --latest-per-key: one key's latest record, or each one's.
load helpers

append() { mq-produce -q "$@"; }

@test "--get: the latest value of a key, wherever in the log, in the form that is asked for; 1 if there is none" {
    for i in $(seq 1 3); do seq 1 500 | sed "s/.*/k&=$i-&/"; done | append t --create=4 -K =
    same "$(mq-consume t --get k1)" 3-1
    same "$(mq-consume t --get k500)" 3-500
    # From far behind, too.
    seq -f 'other=%.0f' 1 50000 | append t -K =
    for k in 1 77 500; do same "$(mq-consume t --get k$k)" "3-$k"; done
    same "$(mq-consume t --get other)" 50000
    same "$(mq-consume t --get k77 --json | jq -c '[.key, .value]')" '["k77","3-77"]'
    status_of 1 mq-consume t --get k501
    same "$output$stderr" ''
    same "$(mq-consume t --get k1 -o :1000)" 3-1
}

@test "--get: a null value is none, a range ends before it, and -p looks elsewhere" {
    printf 'k=1\nk=2\n' | append t --create=3 -K =
    printf '{"key":"k","value":null}\n' | append t --json
    status_of 1 mq-consume t --get k
    # By hand into a partition that the hash does not mean.
    local place other
    place=$(mq-consume t -e -f '%p\n' | head -n 1)
    other=$(((place + 1) % 3))
    printf 'k=elsewhere\n' | append t -p $other -K =
    status_of 1 mq-consume t --get k
    same "$(mq-consume t --get k -p $other)" elsewhere
    same "$(mq-consume t --get k -o :2 -p "$place")" 2
    status_of 66 mq-consume u --get k
    status_of 64 mq-consume t u --get k
    status_of 64 mq-consume t --get k --follow
}

@test "--latest-per-key: as compaction would leave it" {
    for i in $(seq 1 3); do seq 1 1000 | sed "s/.*/k&=$i-&/"; done | append t --create=2 -K =
    seq 1 10 | append t
    for k in 5 7; do printf '{"key":"k%s","value":null}\n' $k; done | append t --json
    mq-consume t --latest-per-key -K = | sort >latest
    same "$(cat latest)" "$(seq 1 1000 | grep -vx '[57]' | sed 's/.*/k&=3-&/' | sort)"
    same "$(mq-consume t --latest-per-key --count-only)" 998
    same "$(mq-consume t --latest-per-key -m 'key=k9')" 3-9
    same "$(mq-consume t -e --latest-per-key -o 0:400 | sed 's/-.*//' | sort -u)" 1
}
