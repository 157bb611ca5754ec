# What is the same for all tools: options, their pages, their completions.
load helpers

tools() { (cd "$MQ_SOURCE_DIR/man" && for page in mq-*.1; do echo "${page%.1}"; done); }

@test "completions and manual pages agree with the tools (completions/update writes them)" {
    "$MQ_SOURCE_DIR/completions/update" "$MQ_BIN_DIR" tree
    diff -r "$MQ_SOURCE_DIR/completions" tree/completions -x update
    for tool in $(tools); do diff "$MQ_SOURCE_DIR/man/$tool.1" "tree/man/$tool.1"; done
}

@test "every option is in the help, the manual page and all completions" {
    for tool in $(tools); do
        $tool --help >help
        mandoc -Tutf8 "$MQ_SOURCE_DIR/man/$tool.1" | col -b >page
        $tool --help-json >table
        [[ $(jq '.options | length' table) -gt 10 ]]
        for name in $(jq -r '.options[] | .long, .short | values' table); do
            for text in help page "$MQ_SOURCE_DIR/completions/bash/$tool"; do grep -qE -e "(^|[ ,'])$name\b" "$text"; done
            grep -q -e "[{,'(*]$name\b" "$MQ_SOURCE_DIR/completions/zsh/_$tool"
            grep -qE -e "-[sl] $(sed "s,^-*,," <<<"$name")\b" "$MQ_SOURCE_DIR/completions/fish/$tool.fish"
        done
        # The other way round: the help has no option that the table lacks.
        grep -oE '^ {2,6}(-., )?--[a-z-]+' help | grep -oE -e '--[a-z-]+' | sort >in-help
        jq -r '.options[].long | values' table | sort | diff in-help -
    done
}

@test "manual pages are clean mdoc" {
    run mandoc -Tlint -W warning "$MQ_SOURCE_DIR"/man/*
    same "$output" ''
}

# The examples of a manual page, or of a Markdown file: `$ COMMAND`, then what it prints; `? COMMAND` where that is not told.
examples() {
    case $1 in
        *.md) sed -n '/^```console$/,/^```$/p' "$1" | grep -v '^```' ;;
        *)
            sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$1" |
                sed -n -e 's/\\e/\\/g; s/\\&//g; s/\\-/-/g' -e 's/^\.Dl /? /p' -e '/^\.Bd.*literal/,/^\.Ed/{/^\.[BE]d/d; p}'
            ;;
    esac
}

# Runs the examples on stdin, and holds what they print against what they say.
play() {
    local line command='' exact='' expected='' got count=0 failures=0
    check_one() {
        [[ -n $command ]] || return 0
        echo "$ $command"
        if [[ -n $exact ]]; then
            got=$(eval "$command" 2>&1 </dev/null) || true
            diff <(printf '%s\n' "$got") <(printf '%s' "${expected:-$'\n'}") || failures=$((failures + 1))
        else
            eval "$command" </dev/null || failures=$((failures + 1))
        fi
        count=$((count + 1)) command='' expected=''
    }
    while IFS= read -r line; do
        case $line in
            '$ '*)
                check_one
                exact=1 command=${line#'$ '}
                ;;
            '? '*)
                check_one
                exact='' command=${line#'? '}
                ;;
            *) expected+=$line$'\n' ;;
        esac
    done
    check_one
    [[ $count -gt 3 && $failures -eq 0 ]]
}

@test "the examples of the manual pages do what the pages say" {
    for tool in $(tools); do
        mkdir "$tool"
        cd "$tool"
        seq -f 'key number %g' 0 99 | MQ_DATA_DIR=$PWD mq-produce -q heartbeat -K' '
        [[ $tool == mq-dump-segment ]] || export MQ_DATA_DIR=$PWD/data
        play < <(examples "$MQ_SOURCE_DIR/man/$tool.1")
        cd ..
    done
}

@test "the examples of mq(7) do what the page says" {
    play < <(examples "$MQ_SOURCE_DIR/man/mq.7")
}

@test "the examples of the README do what it says" {
    export MQ_DATA_DIR=data
    play < <(examples "$MQ_SOURCE_DIR/README.md")
}

@test "the example of mq-format(5) is what is written" {
    printf 'k:v\n' | mq-produce -q one -K: --timestamp 1700000000000
    diff <(grep -E '^[0-9a-f]{8}  ' "$MQ_SOURCE_DIR/man/mq-format.5") \
        <(hexdump -C data/one-0/00000000000000000000.log | cut -c1-58 | sed 's/ *$//' | grep ' ')
}

@test "--help and --version print on stdout, whatever else is given" {
    for tool in $(tools); do
        same "$($tool --version)" "$tool $($tool --help-json | jq -r .version)"
        $tool --help | head -1 | grep "^Usage: $tool "
        $tool some --help words >/dev/null
        [[ $($tool --help | awk 'length > 80' | wc -l) -eq 0 ]]
    done
}

@test "shells accept the completions" {
    cd "$MQ_SOURCE_DIR/completions"
    for file in bash/*; do bash -n "$file"; done
    for file in zsh/*; do zsh -n "$file"; done
    for file in fish/*; do fish --no-execute "$file"; done
}

@test "bash completes options, values and topics" {
    seq 1 9 | mq-produce -q topic-one
    seq 1 9 | mq-produce -q topic-two -D elsewhere
    # A shell that completes does not wait for a slow machine; here it does.
    complete_words() {
        bash -c '
            source "$MQ_SOURCE_DIR/completions/bash/$1"
            compopt() { :; }
            timeout() { [[ $1 == 0.15 ]] && "${@:2}"; }
            COMP_WORDS=("$@")
            COMP_CWORD=$(($# - 1))
            "_${1//-/_}"
            echo "${COMPREPLY[*]}"' bash "$@"
    }
    same "$(complete_words mq-produce --compr)" '--compression'
    same "$(complete_words mq-produce -z z)" 'zstd'
    same "$(complete_words mq-produce --sync = b)" 'batch'
    same "$(complete_words mq-produce top)" 'topic-one'
    same "$(complete_words mq-produce -D elsewhere top)" 'topic-two'
    same "$(complete_words mq-consume --json = i)" 'inline'
    same "$(complete_words mq-consume --json top)" 'topic-one'
    mq-offsets -q set group-one topic-one:0=1 >/dev/null
    same "$(complete_words mq-offsets describe gr)" 'group-one'
    same "$(complete_words mq-offsets reset --topic top)" 'topic-one'
}

@test "fish completes options, values and topics" {
    seq 1 9 | mq-produce -q topic-one
    completed() {
        HOME=$PWD fish --no-config -c "source $MQ_SOURCE_DIR/completions/fish/mq-produce.fish
            function timeout; test \$argv[1] = 0.15; and \$argv[2..]; end
            complete -C '$1'" | cut -f1
    }
    same "$(completed 'mq-produce --compr')" '--compression'
    same "$(completed 'mq-produce -z z')" 'zstd'
    completed 'mq-produce top' | grep -x topic-one
}

@test "tools need no library but the C library's, and start without a data directory" {
    for tool in $(tools); do
        needed=$(objdump -p "$MQ_BIN_DIR/$tool" | awk '$1 == "NEEDED" { print $2 }' | grep -v -e '^libc\.so' -e '^libm\.so' -e '^ld-linux' || true)
        same "$needed" ''
    done
}

@test "--color beats NO_COLOR, FORCE_COLOR and the terminal" {
    for tool in $(tools); do
        words=nothing
        [[ $tool != mq-produce ]] || words="nothing --no-create"
        NO_COLOR=1 $tool --color=always $words 2>colored </dev/null && return 1
        grep -q $'\033\[31m' colored
        FORCE_COLOR=1 $tool --color never $words 2>plain </dev/null && return 1
        [[ -s plain ]]
        if grep -q $'\033' plain; then return 1; fi
        status_of 64 "$tool" --color=sometimes $words
    done
}
