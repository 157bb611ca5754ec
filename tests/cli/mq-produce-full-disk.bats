# A full disk: RELIABILITY row 13 for one producer. The small file system is mounted in a name space of its own.
load helpers

# in_small_disk SIZE SCRIPT: runs it in bash with a tmpfs of that size as the current directory.
in_small_disk() {
    mkdir -p disk
    local user_space=()
    [[ $(id -u) -eq 0 ]] || user_space=(--user --map-root-user) # root needs none
    unshare "${user_space[@]}" --mount bash -euo pipefail -c "
        mount -t tmpfs -o size=$1 none disk
        cd disk
        $2" 7>&1
}

@test "74: says so, loses nothing that was accepted, goes on when there is space" {
    in_small_disk 4m '
        head -c 1000000 /dev/zero >filler
        status=0
        seq 1 inf | mq-produce -D data t --report json >../report 2>../words || status=$?
        [[ $status -eq 74 ]]
        cat ../words
        grep "No space left on device" ../words
        last=$(grep -c "}$" ../report)
        [[ $last -gt 0 ]]
        grep "offset $((last - 1)) of t-0 was the last accepted" ../words
        mq-consume -D data t -e >../out
        cmp ../out <(seq 1 $last)

        status=0
        echo more | mq-produce -D data t 2>../words || status=$?
        [[ $status -eq 74 || $status -eq 0 ]]
        rm filler
        before=$(mq-consume -D data t -e | wc -l)
        echo after | mq-produce -q -D data t
        [[ $(mq-consume -D data t -e -o -1:end) == after ]]
        [[ $(mq-consume -D data t -e | wc -l) -eq $((before + 1)) ]]
        cmp -n $(stat -c %s ../out) ../out <(mq-consume -D data t -e)'
}

@test "74: fills and frees again and again" {
    in_small_disk 4m '
        for round in 1 2 3 4 5 6 7 8 9 10; do
            head -c 2000000 /dev/zero >filler
            status=0
            seq 1 inf | mq-produce -q -D data "t$round" --report json >../report 2>../words || status=$?
            [[ $status -eq 74 ]]
            mq-consume -D data "t$round" -e >../out
            cmp ../out <(seq 1 $(wc -l <../out))
            [[ $(grep -c "}$" ../report) -le $(wc -l <../out) ]]
            rm -r filler "data/t$round-0"
        done'
}

@test "74: no space for the data directory itself" {
    in_small_disk 64k '
        cat /dev/zero >filler || true
        status=0
        echo x | mq-produce -D data t 2>../words || status=$?
        [[ $status -eq 74 ]]
        grep "No space left on device" ../words'
}
