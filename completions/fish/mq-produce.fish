# Made by: mq-produce --generate complete-fish
function __mq_produce_topics
    set -l dir $MQ_DATA_DIR
    test -n "$dir"; or set dir $HOME/.local/share/mq
    set -l words (commandline -opc)
    if set -l at (contains -i -- -D $words; or contains -i -- --data-dir $words)
        set dir $words[(math $at[1] + 1)]
    end
    timeout 0.15 ls -- "$dir" 2>/dev/null | sed -n 's/-[0-9][0-9]*$//p' | sort -u
end
complete -c mq-produce -s t -l topic -xa '(__mq_produce_topics)' -d 'The topic'
complete -c mq-produce -s d -l delimiter -x -d 'Ends a record'
complete -c mq-produce -s 0 -l null -d 'A NUL byte ends a record'
complete -c mq-produce -s K -l key-delimiter -x -d 'What stands before the first STR in a record is its key'
complete -c mq-produce -s k -l key -x -d 'Key of every record'
complete -c mq-produce -s H -l header -x -d 'Adds a header to every record'
complete -c mq-produce -s Z -l null-value -d 'An empty key or value is null'
complete -c mq-produce -l skip-empty -d 'Leaves empty input records out'
complete -c mq-produce -l timestamp -x -d 'Timestamp of every record: seconds or milliseconds since 1970, RFC 3339, YYYY-MM-DD, -1h, now'
complete -c mq-produce -l max-record-bytes -x -d 'Refuses a record whose batch would be larger'
complete -c mq-produce -s p -l partition -x -d 'Appends to this partition'
complete -c mq-produce -l create -d 'Partitions of a topic that has to be made: one if not given'
complete -c mq-produce -l no-create -d 'Exits with 66 if the topic is not there'
complete -c mq-produce -s z -l compression -xa 'none gzip snappy lz4 zstd' -d 'Compresses batches'
complete -c mq-produce -l sync -xa 'none batch end' -d 'When records are flushed to the disk'
complete -c mq-produce -l report -xa 'json' -d 'Prints a line on stdout for each accepted record: topic, partition, offset'
complete -c mq-produce -s n -l dry-run -d 'Reads the input and says what would be appended'
complete -c mq-produce -s q -l quiet -d 'No summary at the end'
complete -c mq-produce -s v -l verbose -d 'Says more on stderr: what opening the partitions found'
complete -c mq-produce -s D -l data-dir -xa '(__fish_complete_directories)' -d 'The data directory'
complete -c mq-produce -s b -l bootstrap-server -x -d 'A Kafka cluster'
complete -c mq-produce -l profile -x -d 'A named target'
complete -c mq-produce -s h -l help -d 'Show this page'
complete -c mq-produce -l version -d 'Show the version'
complete -c mq-produce -l help-json -d 'Show the table of options as JSON'
complete -c mq-produce -l generate -xa 'man complete-bash complete-zsh complete-fish' -d 'Print what is made from the table of options: the OPTIONS of the manual page, or a shell\'s completion'
complete -c mq-produce -a '(__mq_produce_topics)'
