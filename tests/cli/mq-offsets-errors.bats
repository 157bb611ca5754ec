# Every exit status of mq-offsets, and what it says then.
load helpers

fill() {
    mq-topics -q create t -p 2
    seq 1 10 | mq-produce -q t -p 0
    mq-offsets -q set g t:0=3 >/dev/null
}

@test "64: usage" {
    status_of 64 mq-offsets
    says 'which command?'
    status_of 64 mq-offsets lsit
    says 'did you mean list?'
    fill
    for bad in 'describe' 'export' 'lag' 'wait' 'wait g h' 'delete -y' 'reset' 'reset g' 'reset g t' 'reset g --to end' 'reset g t --to nowhere' \
        'reset g t --to 1:2' 'reset g t --to-offset -1' 'reset g t --to-offset x' 'reset g t --shift-by x' 'reset g t --to-datetime never' \
        'reset g t --by-duration 5' 'reset g t --to end --shift-by 1' 'reset g t --to-earliest --to-latest' 'reset g t --all-topics --to end' \
        'reset g t --from-file f' 'reset g t: --to end' 'reset g t:x --to end' 'reset -r ( t --to end' 'set g' 'set g t=5' 'set g t:0' 'set g t:x=5' \
        'set g t:0=' 'set g t:0=1:2' 'import' 'import a b' 'copy g' 'copy g g' 'forget g' 'peek g' 'peek g t -B -1' 'lag g --warn x' \
        'lag g --nagios --prometheus' 'describe g --fields nosuch' 'list --state' 'export g --format xml' 'fsck x' 'expire --older-than 7' \
        'describe g --timeout 5' '--list --describe' '--describe' '--describe --group g --all-groups' '--delete' '--delete-offsets --group g' \
        '--delete --group g --topic t' '--reset-offsets --group g --topic t' '--reset-offsets --group g --to-latest' \
        '--reset-offsets --group g --topic t --to-latest --execute --dry-run' '--list --zookeeper z' 'list -D a -b b'; do
        set -f
        status_of 64 mq-offsets $bad
        set +f
        says 'mq-offsets: ' 2
    done
    same "$(mq-offsets export g)" 't,0,3'
    status_of 64 mq-offsets reset g t:1 --shift-by 1 -y
    says '--shift-by: the group has committed nothing of t-1'
    printf 't,0,1\n' >file
    status_of 64 mq-offsets import file -y
    says 'file names no group: give --group GROUP'
}

@test "65: a file that is malformed is refused at line N, and nothing is changed" {
    fill
    printf 'g,t,0,1\n\ng,t,one,2\n' >file
    for command in 'import file' 'reset g --from-file file' 'set g t:0=1 --if-current file'; do
        status_of 65 mq-offsets $command -y
        says "file: line 3: 'one' is not a number at byte 9"
    done
    printf 'g,t,0,1\ng,t,0,2\n' >file
    status_of 65 mq-offsets import file -y
    says 'file: line 2: t-0 is there twice'
    printf '{"group":"g","topic":"t","partition":0,"offset":"1"}\n' >file
    status_of 65 mq-offsets import file -y
    says 'file: line 1: offset: not a whole number'
    head -c 100 /dev/urandom | tr -d ',\t{\n' >file
    status_of 65 mq-offsets import file -y
    same "$(mq-offsets export g)" 't,0,3'
}

@test "66: no such group, topic, partition, file, directory" {
    status_of 66 mq-offsets list
    says 'no such data directory'
    [[ ! -e data ]]
    fill
    for words in 'describe x' 'describe --members x' 'export x' 'lag x' 'wait x' 'delete x' 'forget x t' 'forget g u' 'forget g t:1' 'copy x y' \
        'copy g y u' 'reset x t --to end' 'reset g u --to end' 'reset g t:2 --to end' 'reset g t:0,7 --to end' 'set g u:0=1' 'set g t:2=1' \
        'peek x t' 'peek g u' 'peek g t:5' 'import nosuch' 'reset g --from-file nosuch' 'set g t:0=1 --if-current nosuch' 'list x'; do
        status_of 66 mq-offsets $words -y 2>/dev/null || status_of 66 mq-offsets $words
    done
    printf 'g,u,0,1\n' >file
    status_of 66 mq-offsets import file -y
    printf 'g,t,0,1\ng,t,2,1\n' >file
    status_of 66 mq-offsets import file -y
    says "topic 't' has no partition 2, it has 2"
    same "$(mq-offsets export g)" 't,0,3'
}

@test "1: some of several failed" {
    fill
    status_of 1 mq-offsets describe g x --plain --fields group
    same "$output" g
    status_of 1 mq-offsets delete x g -y
    same "$(mq-offsets list --names)" ''
}

@test "64: an illegal name of a group or topic changes nothing" {
    fill
    status_of 64 mq-offsets set '' t:0=1 -y
    status_of 64 mq-offsets set "$(printf 'x%.0s' {1..256})" t:0=1 -y
    status_of 64 mq-offsets set $'\xff' t:0=1 -y
    status_of 64 mq-offsets set g ../t:0=1 -y
    mq-offsets -q set "$(printf 'x%.0s' {1..255})" t:0=1 >/dev/null
    mq-offsets -q set 'a b/c*' t:0=1 >/dev/null
    same "$(mq-offsets list --names -r 'a.*')" 'a b/c*'
}

@test "69, 77 and 78: clusters, rights and profiles" {
    fill
    status_of 69 mq-offsets list -b localhost:9092
    status_of 69 mq-offsets --list --bootstrap-server localhost:9092
    status_of 78 mq-offsets list --profile p
    let_others_in
    chmod -R go-rwx data
    chmod 0755 data
    if [[ $(id -u) -eq 0 ]]; then
        status_of 77 as_other "$MQ_BIN_DIR/mq-offsets" set g t:0=1 -y -D "$PWD/data"
    fi
}

@test "74: output that cannot be written" {
    fill
    for words in 'list' 'describe g' 'export g' 'lag g' 'lag g --prometheus' 'peek g t:0'; do
        set +e
        mq-offsets $words >/dev/full 2>err
        status=$?
        set -e
        [[ $status -eq 74 ]] || { echo "status $status: $words" >&2; return 1; }
    done
}
