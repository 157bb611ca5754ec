# Made by: mq-dump-segment --generate complete-fish
function __mq_dump_segment_topics
    set -l dir $MQ_DATA_DIR
    test -n "$dir"; or set dir $HOME/.local/share/mq
    set -l words (commandline -opc)
    if set -l at (contains -i -- -D $words; or contains -i -- --data-dir $words)
        set dir $words[(math $at[1] + 1)]
    end
    timeout 0.15 ls -- "$dir" 2>/dev/null | sed -n 's/-[0-9][0-9]*$//p' | sort -u
end
complete -c mq-dump-segment -s r -l records -d 'Print the records of every batch too'
complete -c mq-dump-segment -l no-meta -d 'Of a record print key and value only'
complete -c mq-dump-segment -s f -l format -x -d 'Print every record by this format, see mq-format(5)'
complete -c mq-dump-segment -l hex -d 'Print every field with its position and bytes'
complete -c mq-dump-segment -l summary -d 'One line for each file, from the batch headers alone'
complete -c mq-dump-segment -l stats -d 'Histograms of sizes, codecs and timestamps, the largest keys, the compression ratio'
complete -c mq-dump-segment -l top -x -d 'How many keys --stats lists'
complete -c mq-dump-segment -l decode -xa 'auto offsets txn hex utf8 json' -d 'How keys and values are shown'
complete -c mq-dump-segment -l decode-with -x -d 'Pass keys and values through one process: on its stdin and stdout each is a big-endian 32-bit length and that many bytes; length -1 is null'
complete -c mq-dump-segment -s o -l offset -x -d 'Only these offsets or times, see mq(7); the index is used to get there'
complete -c mq-dump-segment -s c -l count -x -d 'Stop after N records; where only batches are printed, after N batches'
complete -c mq-dump-segment -l max-bytes -x -d 'Read no batch that ends past this byte of a file'
complete -c mq-dump-segment -s m -l match -x -d 'Only records that match: key~RE, value=TEXT, header.NAME=V, ts>T, size>N, !EXPR'
complete -c mq-dump-segment -l match-any -d 'One matching -m is enough'
complete -c mq-dump-segment -l max-message-size -x -d 'The largest batch that is loaded; a larger one is reported'
complete -c mq-dump-segment -l check -d 'Verify batches, records, indexes, snapshots and checkpoints; of index, time, txn, crc, offsets, producer all by default'
complete -c mq-dump-segment -l rebuild-index -d 'Write .index, .timeindex and .txnindex of the .log files anew'
complete -c mq-dump-segment -l truncate-at -x -d 'Cut a .log before the batch that holds OFFSET, its indexes with it'
complete -c mq-dump-segment -s y -l yes -d 'Do it without asking'
complete -c mq-dump-segment -l no-input -d 'Never ask'
complete -c mq-dump-segment -s n -l dry-run -d 'Say what would be done'
complete -c mq-dump-segment -l json -d 'One JSON object a line'
complete -c mq-dump-segment -l plain -d 'Tab-separated values, no header'
complete -c mq-dump-segment -l no-header -d 'No header line over a table'
complete -c mq-dump-segment -l color -xa 'auto always never' -d 'Colour of messages'
complete -c mq-dump-segment -s q -l quiet -d 'Errors only on stderr'
complete -c mq-dump-segment -s v -l verbose -d 'More words on stderr'
complete -c mq-dump-segment -l kafka -d 'Print what kafka-dump-log prints, byte for byte, in the wording of 3.9 (default) or 2.4'
complete -c mq-dump-segment -l files -r -F -d 'Files to read, beside the operands'
complete -c mq-dump-segment -l deep-iteration -d 'The records too'
complete -c mq-dump-segment -l print-data-log -d 'The records with their keys and payloads'
complete -c mq-dump-segment -l verify-index-only -d 'Check indexes against the log, print only what is wrong'
complete -c mq-dump-segment -l index-sanity-check -d 'Only the check of an index that a broker does at start'
complete -c mq-dump-segment -l offsets-decoder -d 'The records are those of __consumer_offsets'
complete -c mq-dump-segment -l transaction-log-decoder -d 'The records are those of __transaction_state'
complete -c mq-dump-segment -l key-decoder-class -x -d 'StringDecoder is built in, other classes are refused: see --decode-with'
complete -c mq-dump-segment -l value-decoder-class -x -d 'StringDecoder is built in, other classes are refused: see --decode-with'
complete -c mq-dump-segment -l cluster-metadata-decoder -d 'The records, but not decoded: see --decode-with'
complete -c mq-dump-segment -l remote-log-metadata-decoder -d 'The records, but not decoded: see --decode-with'
complete -c mq-dump-segment -l share-group-state-decoder -d 'The records, but not decoded: see --decode-with'
complete -c mq-dump-segment -s h -l help -d 'Show this page'
complete -c mq-dump-segment -l version -d 'Show the version'
complete -c mq-dump-segment -l help-json -d 'Show the table of options as JSON'
complete -c mq-dump-segment -l generate -xa 'man complete-bash complete-zsh complete-fish' -d 'Print what is made from the table of options: the OPTIONS of the manual page, or a shell\'s completion'
