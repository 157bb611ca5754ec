# Made by: mq-consume --generate complete-fish
function __mq_consume_topics
    set -l dir $MQ_DATA_DIR
    test -n "$dir"; or set dir $HOME/.local/share/mq
    set -l words (commandline -opc)
    if set -l at (contains -i -- -D $words; or contains -i -- --data-dir $words)
        set dir $words[(math $at[1] + 1)]
    end
    timeout 0.15 ls -- "$dir" 2>/dev/null | sed -n 's/-[0-9][0-9]*$//p' | sort -u
end
complete -c mq-consume -s t -l topic -xa '(__mq_consume_topics)' -d 'A topic, beside those named as operands'
complete -c mq-consume -s p -l partition -x -d 'Only these partitions: 0,2-5'
complete -c mq-consume -s o -l offset -xa 'start end' -d 'Where to read: start, end, 42, -10, 100:200, @2023-11-14, @-1h:, 3=start; see RANGES'
complete -c mq-consume -l from-beginning -d 'The same as -o start'
complete -c mq-consume -s e -l exit -d 'Exits at the end as it was when reading began'
complete -c mq-consume -l follow -d 'Goes on with what is appended later, which is the default'
complete -c mq-consume -s c -l count -x -d 'Exits after N records'
complete -c mq-consume -l isolation -xa 'committed uncommitted read_committed read_uncommitted' -d 'Whether records of open and aborted transactions are read (uncommitted, the default) or not'
complete -c mq-consume -l control-records -d 'Prints the markers of transactions too'
complete -c mq-consume -s f -l format -x -d 'Prints every record so: \'%p %o %k %s\\n\'; see FORMATS'
complete -c mq-consume -l json -d 'Prints a JSON object a line'
complete -c mq-consume -l meta -d 'Leaves the values out: topic, partition, offset, timestamp, key length, value length, between tabs; with --json value_size in place of the value'
complete -c mq-consume -s d -l delimiter -x -d 'What follows each record, a newline if not given'
complete -c mq-consume -s 0 -l null -d 'A NUL byte follows each record'
complete -c mq-consume -s K -l key-delimiter -x -d 'Prints the key and STR before each value'
complete -c mq-consume -l null-marker -x -d 'Stands for a null key or value; nothing if not given'
complete -c mq-consume -s q -l quiet -d 'Says less on stderr: errors only'
complete -c mq-consume -s v -l verbose -d 'Says more on stderr: what was read from where'
complete -c mq-consume -s D -l data-dir -xa '(__fish_complete_directories)' -d 'The data directory'
complete -c mq-consume -s b -l bootstrap-server -x -d 'A Kafka cluster'
complete -c mq-consume -l profile -x -d 'A named target'
complete -c mq-consume -s h -l help -d 'Show this page'
complete -c mq-consume -l version -d 'Show the version'
complete -c mq-consume -l help-json -d 'Show the table of options as JSON'
complete -c mq-consume -l generate -xa 'man complete-bash complete-zsh complete-fish' -d 'Print what is made from the table of options: the OPTIONS of the manual page, or a shell\'s completion'
complete -c mq-consume -a '(__mq_consume_topics)'
