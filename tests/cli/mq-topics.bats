# What mq-topics does and prints. --plain and --json are frozen: a change here is a change for scripts.
load helpers

fill() {
    mq-topics -q create visits -p 4
    printf 'anna:1\ncarl:2\nanna:3\n' | mq-produce -q visits -K: --timestamp 1700000000000
}
id_of() { mq-topics list --plain --fields id "$1"; }

@test "create, list, delete" {
    status_of 0 mq-topics create numbers -p 3 -C retention.ms=-1 -C cleanup.policy=compact
    same "$output" ''
    says "topic 'numbers': created with 3 partitions"
    mq-topics -q create one
    same "$(mq-topics list)" $'TOPIC    PARTITIONS  REPLICAS  CONFIG\nnumbers           3         1  cleanup.policy=compact,retention.ms=-1\none               1         1  -'
    same "$(mq-topics list --no-header one)" 'one           1         1  -' || same "$(mq-topics list --no-header one)" 'one  1  1  -'
    same "$(mq-topics list --names)" $'numbers\none'
    same "$(mq-topics list --names -r 'n.*' 'x')" numbers
    same "$(mq-topics list --names -r 'n')" ''
    same "$(mq-topics list --fields partitions,topic --plain)" $'3\tnumbers\n1\tone'
    [[ -d data/numbers-2 && ! -e data/numbers-3 ]]
    mq-topics -q delete numbers one -y
    same "$(mq-topics list)" ''
    [[ ! -e data/numbers-0 ]]
}

@test "wish 12: list is frozen in --plain and --json" {
    mq-topics -q create t -p 2 -C retention.ms=5
    id=$(id_of t)
    [[ $id =~ ^[A-Za-z0-9_-]{22}$ ]]
    same "$(mq-topics list --plain)" "t"$'\t'"2"$'\t'"1"$'\t'"no"$'\t'"$id"$'\t'"retention.ms=5"
    same "$(mq-topics list --json)" '{"topic":"t","partitions":2,"replicas":1,"internal":false,"id":"'"$id"'","config":{"retention.ms":"5"}}'
}

@test "internal topics are listed when asked for" {
    mkdir -p data/__consumer_offsets-3
    same "$(mq-topics list --names)" ''
    same "$(mq-topics list --plain --internal --fields topic,partitions,internal,id)" $'__consumer_offsets\t50\tyes\t-'
    same "$(mq-topics list --plain --fields topic __consumer_offsets)" '__consumer_offsets'
}

@test "create: dry run, several, if-not-exists" {
    status_of 0 mq-topics create a b -p 2 -C retention.ms=1 -n
    same "$output" $'create topic \'a\': 2 partitions, retention.ms=1\ncreate topic \'b\': 2 partitions, retention.ms=1'
    [[ ! -e data ]]
    mq-topics -q create a
    status_of 0 mq-topics create a --if-not-exists -p 5
    says 'exists already'
    same "$(mq-topics list --plain --fields partitions a)" 1
    status_of 1 mq-topics create a b
    same "$(mq-topics list --names)" $'a\nb'
    status_of 73 mq-topics create a -n
}

@test "describe has the form of kafka-topics" {
    fill
    id=$(id_of visits)
    mq-topics -q config set visits retention.ms=7
    same "$(mq-topics describe visits)" "Topic: visits	TopicId: $id	PartitionCount: 4	ReplicationFactor: 1	Configs: retention.ms=7
	Topic: visits	Partition: 0	Leader: 0	Replicas: 0	Isr: 0
	Topic: visits	Partition: 1	Leader: 0	Replicas: 0	Isr: 0
	Topic: visits	Partition: 2	Leader: 0	Replicas: 0	Isr: 0
	Topic: visits	Partition: 3	Leader: 0	Replicas: 0	Isr: 0"
    same "$(mq-topics describe visits --offsets | tail -1 | cut -f1-8)" $'\tTopic: visits\tPartition: 3\tLeader: 0\tReplicas: 0\tIsr: 0\tLogStart: 0\tLogEnd: 2'
    mq-topics describe --configs all | head -1 | grep -q 'cleanup.policy=delete,.*retention.ms=7,.*write.caching=false'
    same "$(mq-topics describe --id "$id" | wc -l)" 5
    status_of 66 mq-topics describe --id AAAAAAAAAAAAAAAAAAAAAQ
}

@test "wish 12: describe is frozen in --plain and --json" {
    fill
    size=$(stat -c %s data/visits-3/00000000000000000000.log)
    same "$(mq-topics describe --plain | tail -1)" $'visits\t3\t0\t0\t0\t-\t-\t-\t-\t-'
    same "$(mq-topics describe --plain --offsets | tail -1)" $'visits\t3\t0\t0\t0\t0\t2\t2\t2\t'"$size"
    mq-topics -q create t
    same "$(mq-topics describe t --json)" '{"topic":"t","id":"'"$(id_of t)"'","partition_count":1,"replication_factor":1,"internal":false,"config":{},"partitions":[{"partition":0,"leader":0,"replicas":[0],"isr":[0]}]}'
    same "$(mq-topics describe t --json --offsets | jq -c '.partitions[0]')" '{"partition":0,"leader":0,"replicas":[0],"isr":[0],"log_start":0,"log_end":0,"high_watermark":0,"last_stable_offset":0,"size_bytes":0}'
}

@test "describe --only" {
    fill
    mq-topics -q create over -C min.insync.replicas=2
    only() { mq-topics describe --only "$1" --plain --fields topic,partition; }
    same "$(only empty)" $'over\t0\nvisits\t0\nvisits\t1'
    same "$(only overridden)" $'over\t0'
    same "$(only under-min-isr)" $'over\t0'
    same "$(only at-min-isr | wc -l)" 4
    same "$(only under-replicated)" ''
    same "$(only offline)" ''
}

@test "find" {
    fill
    mq-topics -q create empty
    same "$(mq-topics find --empty --names 2>/dev/null || mq-topics find --empty --plain --fields topic)" empty
    same "$(mq-topics find --empty --invert --plain --fields topic)" visits
    same "$(mq-topics find --size '>100' --plain --fields topic)" visits
    same "$(mq-topics find --size '<100' --plain --fields topic)" empty
    same "$(mq-topics find --idle 7d --plain --fields topic)" $'empty\nvisits'
    echo now | mq-produce -q visits
    same "$(mq-topics find --idle 7d --plain --fields topic)" empty
    same "$(mq-topics find --leader 0 --plain --fields topic)" $'empty\nvisits'
    status_of 1 mq-topics find --leader 5
    same "$output" ''
}

@test "partitions" {
    mq-topics -q create t
    status_of 0 mq-topics partitions t --to 3 -n
    same "$output" "topic 't': from 1 partition to 3"
    status_of 0 mq-topics partitions t --to 3
    says 'keys go to other partitions' 2
    status_of 0 mq-topics partitions t --add 2
    same "$(mq-topics list --plain --fields partitions t)" 5
    status_of 64 mq-topics partitions t --to 4
    says 'cannot have fewer'
    status_of 64 mq-topics partitions t
    status_of 64 mq-topics partitions t --to 6 --add 1
}

@test "config" {
    mq-topics -q create t -C retention.ms=5
    same "$(mq-topics config get t --plain)" $'t\tretention.ms\t5\t604800000\ttopic'
    same "$(mq-topics config get t --json)" '{"topic":"t","key":"retention.ms","value":"5","default":"604800000","source":"topic"}'
    same "$(mq-topics config get t segment.ms --plain --fields value,source)" $'604800000\tdefault'
    [[ $(mq-topics config get t --all --plain | wc -l) -gt 35 ]]
    status_of 0 mq-topics config set t segment.ms=9 preallocate=TRUE
    says 'segment.ms=9' 2
    status_of 0 mq-topics config set t segment.ms=10 -n
    same "$(mq-topics config get t --plain --fields key,value)" $'preallocate\ttrue\nretention.ms\t5\nsegment.ms\t9'
    mq-topics -q config unset t segment.ms preallocate
    mq-topics -q config append t cleanup.policy=compact
    same "$(mq-topics config get t cleanup.policy --plain --fields value)" delete,compact
    mq-topics -q config append t cleanup.policy=compact
    mq-topics -q config subtract t cleanup.policy=delete
    same "$(mq-topics config get t --plain --fields key,value)" $'cleanup.policy\tcompact\nretention.ms\t5'
    printf '# ours\nretention.ms = 6\nwrite.caching=true\n' >settings
    mq-topics -q config set t --from-file settings
    same "$(mq-topics config get t --plain --fields key,value)" $'cleanup.policy\tcompact\nretention.ms\t6\nwrite.caching\ttrue'
    status_of 64 mq-topics config set t retention.ms=x
    says "retention.ms: 'x' is not a number from -1 on"
    status_of 64 mq-topics config set t retention.m=1
    says 'did you mean retention.ms?'
    status_of 64 mq-topics config append t retention.ms=1
    status_of 64 mq-topics config set t
    status_of 64 mq-topics config frobnicate t
}

@test "offsets are those of kafka-get-offsets" {
    fill
    same "$(mq-topics offsets visits --plain)" $'visits:0:0\nvisits:1:0\nvisits:2:1\nvisits:3:2'
    same "$(mq-topics offsets --plain visits:2-3 --at earliest)" $'visits:2:0\nvisits:3:0'
    for latest in latest -1 lso; do same "$(mq-topics offsets --plain visits:3 --time $latest)" visits:3:2; done
    same "$(mq-topics offsets --plain visits:3 --time -2)" visits:3:0
    same "$(mq-topics offsets --plain visits --at max-timestamp)" $'visits:2:0\nvisits:3:0'
    same "$(mq-topics offsets --plain visits:3 --at 1700000000000)" visits:3:0
    same "$(mq-topics offsets --plain visits:3 --at 1700000000001)" visits:3:2
    same "$(mq-topics offsets --plain visits:3 --leader-epoch 0)" visits:3:2
    same "$(mq-topics offsets visits:3 --at max-timestamp --json)" '{"topic":"visits","partition":3,"offset":0,"timestamp":1700000000000,"leader_epoch":null}'
    same "$(mq-topics offsets -r 'v.*' --plain | wc -l)" 4
    status_of 66 mq-topics offsets visits:9
    status_of 66 mq-topics offsets nosuch
    status_of 1 mq-topics offsets nosuch visits
    status_of 64 mq-topics offsets visits:x
    status_of 64 mq-topics offsets visits --at never
}

@test "usage" {
    fill
    size2=$(stat -c %s data/visits-2/00000000000000000000.log)
    size3=$(stat -c %s data/visits-3/00000000000000000000.log)
    same "$(mq-topics usage --plain)" "$((size2 + size3))"$'\t'visits
    same "$(mq-topics usage --by partition --json | tail -1)" '{"size_bytes":'"$size3"',"topic":"visits","partition":3}'
    head -c 3000000 /dev/urandom | mq-produce -q visits --delimiter '\0' --max-record-bytes 10M -p 0 2>/dev/null || true
    mq-topics usage -H --plain | grep -qE '^[0-9.]+[KM]'
}

@test "wish 18: partition-of agrees with where mq-produce sends a key" {
    mq-topics -q create t -p 7
    seq -f 'key number %g' 0 99 >keys
    mq-topics partition-of t --plain --fields partition <keys >said
    mq-produce -q t -K, < <(sed 's/$/,x/' keys)
    mq-consume t -e -f '%k\t%p\n' | sort >found
    paste keys said | sort | diff - found
    same "$(mq-topics partition-of t a --json)" '{"topic":"t","key":"a","partition":'"$(mq-topics partition-of t a --plain --fields partition)"'}'
    # By hand from Java: Utils.murmur2("21".getBytes()) = -973932308, and -973932308 & 0x7fffffff = 1173551340.
    same "$(mq-topics partition-of t 21 --plain --fields partition)" "$((1173551340 % 7))"
    same "$(mq-topics partition-of t $'\xff' --json)" '{"topic":"t","key":"/w==","key_encoding":"base64","partition":'"$(mq-topics partition-of t $'\xff' --plain --fields partition)"'}'
}

@test "trim" {
    fill
    status_of 64 mq-topics trim visits --keep 1
    says 'give -y' 6
    status_of 0 mq-topics trim visits --keep 1 -n
    same "$output" $'trim visits-0: offsets 0 to 0, 0 records\ntrim visits-1: offsets 0 to 0, 0 records\ntrim visits-2: offsets 0 to 0, 0 records\ntrim visits-3: offsets 0 to 1, 1 record'
    same "$(mq-topics trim visits --keep 1 -y -p 3 --plain)" $'visits\t3\t1'
    same "$(mq-consume visits -e -p 3)" 3
    same "$(mq-topics offsets visits --at earliest --plain | tail -1)" visits:3:1
    status_of 64 mq-topics trim visits --before 5 -y -p 3
    says 'lies behind the end'
    same "$(mq-topics trim visits --before 2=end -y -p 2,3 --json)" $'{"topic":"visits","partition":2,"low_watermark":1}\n{"topic":"visits","partition":3,"low_watermark":1}'
    printf '{"version":1,"partitions":[{"topic":"visits","partition":3,"offset":-1}]}' >file
    same "$(mq-topics trim --from-file file -y --plain)" $'visits\t3\t2'
    same "$(mq-consume visits -e)" ''
    status_of 64 mq-topics trim visits -y
    status_of 64 mq-topics trim visits --before 0:5 -y
    printf '{"version":1,\n"partitions":[{"topic":"visits"}]}' >file
    status_of 65 mq-topics trim --from-file file -y
    says 'file: line 2: an entry lacks its topic, partition or offset'
    status_of 66 mq-topics trim --from-file nosuch -y
}

@test "compact keeps the last record of each key" {
    mq-topics -q create t -C cleanup.policy=compact
    printf 'a:1\nb:2\na:3\n' | mq-produce -q t -K:
    same "$(mq-topics compact t --plain | cut -f1-4)" $'t\t0\t3\t2'
    same "$(mq-consume t -e -K:)" $'b:2\na:3'
    mq-topics -q create plain
    status_of 64 mq-topics compact plain
    says 'cleanup.policy is delete'
}

@test "Kafka's spelling" {
    same "$(mq-topics --create --topic x --partitions 3 --replication-factor 1 --config retention.ms=5)" 'Created topic x.'
    same "$(mq-topics --create --topic x --if-not-exists 2>&1)" ''
    status_of 73 mq-topics --create --topic x
    same "$(mq-topics --list)" x
    same "$(mq-topics --describe --topic x | head -1 | cut -f1,3-)" $'Topic: x\tPartitionCount: 3\tReplicationFactor: 1\tConfigs: retention.ms=5'
    mq-topics -q --create --topic plain
    same "$(mq-topics --describe --topics-with-overrides | cut -f1)" 'Topic: x'
    mq-topics --alter --topic x --partitions 4 2>/dev/null
    same "$(mq-topics list x --plain --fields partitions)" 4
    status_of 64 mq-topics --delete --topic '.*'
    same "$(mq-topics --delete --topic x)" ''
    same "$(mq-topics --list)" plain
    mq-topics --delete --topic x --if-exists
    mkdir data/__consumer_offsets-0
    same "$(mq-topics --list)" $'__consumer_offsets\nplain'
    same "$(mq-topics --list --exclude-internal)" plain
}

@test "a terminal is asked" {
    mq-topics -q create t
    echo n | script -qec 'mq-topics delete t' /dev/null | grep -q 'Delete?' || true
    [[ -d data/t-0 ]]
    { sleep 0; echo y; } | script -qec 'mq-topics delete t' /dev/null >/dev/null
    [[ ! -d data/t-0 ]]
}

@test "patterns are patterns with -r only" {
    mq-topics -q create a1 a2 b
    status_of 64 mq-topics delete 'a.*' -y
    same "$(mq-topics list --names)" $'a1\na2\nb'
    mq-topics -q delete -r 'a.*' -y
    same "$(mq-topics list --names)" b
    status_of 64 mq-topics list -r '('
    status_of 0 mq-topics delete nosuch --if-exists -y
}

@test "a directory that a Kafka broker left: its topics, offsets and ids" {
    cp -r "$MQ_GOLDEN_DIR/plain" data
    chmod -R u+w data
    same "$(mq-topics list --plain --fields topic,id plain)" $'plain\t-'
    [[ ! -e data/mq-topics.json && -e data/.kafka_cleanshutdown ]]
    mq-topics -q config set plain retention.ms=-1
    grep -q '"name":"plain"' data/mq-topics.json
    [[ ! -e data/.kafka_cleanshutdown ]]
}

@test "a reader without permission to write lists, describes and asks for offsets" {
    let_others_in
    cp "$MQ_BIN_DIR/mq-topics" .
    fill
    chmod -R a+rX data
    same "$(as_other ./mq-topics list --names)" visits
    same "$(as_other ./mq-topics offsets visits:3 --plain)" visits:3:2
    as_other ./mq-topics describe --offsets | grep -q 'LogEnd: 2'
    chmod a-w data
    status=0
    as_other ./mq-topics create other 2>words || status=$?
    [[ $status -eq 77 ]]
}

@test "wish 21: bash completes commands, their options and topics" {
    mq-topics -q create topic-one
    complete_words() {
        bash -c '
            source "$MQ_SOURCE_DIR/completions/bash/$1"
            compopt() { :; }
            COMP_WORDS=("$@")
            COMP_CWORD=$(($# - 1))
            "_${1//-/_}"
            echo "${COMPREPLY[*]}"' bash "$@"
    }
    same "$(complete_words mq-topics desc)" describe
    same "$(complete_words mq-topics describe --onl)" --only
    same "$(complete_words mq-topics describe --only un)" 'under-replicated under-min-isr'
    same "$(complete_words mq-topics describe top)" topic-one
    same "$(complete_words mq-topics list --pl)" --plain
    same "$(complete_words mq-produce top)" topic-one
}

@test "every option of every command is in its help, the manual page and the completions" {
    mandoc -Tutf8 "$MQ_SOURCE_DIR/man/mq-topics.1" | col -b >page
    for command in $(mq-topics --help-json | jq -r '.commands[].name'); do
        mq-topics "$command" --help >help
        head -1 help | grep "^Usage: mq-topics $command "
        [[ $(awk 'length > 80' help | wc -l) -eq 0 ]]
        for name in $(mq-topics --help-json | jq -r --arg c "$command" '.commands[] | select(.name == $c).options[] | .long, .short | values'); do
            for text in help page "$MQ_SOURCE_DIR/completions/bash/mq-topics"; do grep -qE -e "(^|[ ,'])$name\b" "$text"; done
            grep -q -e "[{,'(*]$name\b" "$MQ_SOURCE_DIR/completions/zsh/_mq-topics"
            grep "__fish_seen_subcommand_from $command'" "$MQ_SOURCE_DIR/completions/fish/mq-topics.fish" |
                grep -qE -e "-[sl] $(sed "s,^-*,," <<<"$name")\b"
        done
    done
}

@test "wish 13: a list of 10,000 topics reads the catalogue and the names, and no topic's files" {
    mkdir data
    { printf '{"version":1,"next_producer_id":0,"topics":['
        seq -f '{"name":"t%g","id":"6RbxAY8BTsOVJ0MnbF4XLg","partitions":1,"replicas":1,"config":{}}' -s, 1 2000
        printf ']}'; } >data/mq-topics.json
    (cd data && seq -f 't%g-0' 1 2000 | xargs mkdir)
    strace -f -e trace=openat,open -o trace mq-topics list --names >out
    [[ $(wc -l <out) -eq 2000 ]]
    [[ $(grep -c 'data/t[0-9]' trace) -eq 0 ]]
}
