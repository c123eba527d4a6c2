# bash completion for arec
# Made by tools/completions/make; changes are made there.

# What the command line arec $1 takes as options; those that end in = take a value.
_arec_options()
{
    case $1 in
    "info") echo "-s --short --files-from= -q --quiet -v --verbose --json --threads= --cache-size= --reader-options= --kind= --recover --index-dir= --request-deadline= --max-requests= --prefetch= --endpoint-url= --region= --addressing= --aws-profile= --anonymous --requester-pays --billing-project= --cache-dir= --cache-dir-size= -h --help -V --version" ;;
    "ls") echo "-l --long --files-from= -q --quiet -v --verbose --json --threads= --cache-size= --reader-options= --kind= --recover --index-dir= --request-deadline= --max-requests= --prefetch= --endpoint-url= --region= --addressing= --aws-profile= --anonymous --requester-pays --billing-project= --cache-dir= --cache-dir-size= -h --help -V --version" ;;
    "cat") echo "-n --newline -0 --null --frame= --files-from= -q --quiet -v --verbose --timing --threads= --cache-size= --reader-options= --kind= --recover --index-dir= --request-deadline= --max-requests= --prefetch= --endpoint-url= --region= --addressing= --aws-profile= --anonymous --requester-pays --billing-project= --cache-dir= --cache-dir-size= -h --help -V --version" ;;
    "verify") echo "--files-from= -q --quiet -v --verbose --json --timing --threads= --cache-size= --reader-options= --kind= --recover --index-dir= --request-deadline= --max-requests= --prefetch= --endpoint-url= --region= --addressing= --aws-profile= --anonymous --requester-pays --billing-project= --cache-dir= --cache-dir-size= -h --help -V --version" ;;
    "repair") echo "-o --output= -f --force --no-sync --reencode -q --quiet -v --verbose --json --threads= --cache-size= --reader-options= --kind= --recover --index-dir= --request-deadline= --max-requests= --prefetch= --endpoint-url= --region= --addressing= --aws-profile= --anonymous --requester-pays --billing-project= --cache-dir= --cache-dir-size= -h --help -V --version" ;;
    "mount") echo "-f --foreground -d --debug -o --options= -u --unmount -h --help -V --version --cache-size= --readahead-buffer-size= --max-parallelism= --index-storage-option= --reader-options= --profile= --merge --names= --suffix= --files-from= --pattern= --recover --strict --kind= --no-push --index-dir= --request-deadline= --max-requests= --prefetch= --endpoint-url= --region= --addressing= --aws-profile= --anonymous --requester-pays --billing-project= --cache-dir= --cache-dir-size= --idle-unmount= --log-level= --log-file=" ;;
    "stats") echo "-w --watch --interval= -q --quiet -v --verbose --json -h --help -V --version" ;;
    "pack") echo "-o --output= -f --force --no-sync --each --from= --profile= --shards= --shard-size= --shard-records= --round-robin --shard-suffix --options= --group-size= --codec= --transpose --threads= --limit-memory= --files-from= --files-from0= --exclude= -L --dereference --one-file-system --store-names --write-names= -0 --null --keep-newline --example --recover -q --quiet -v --verbose --json --timing -h --help -V --version" ;;
    "unpack") echo "-f --force --tar --webdataset --names= --suffix= -q --quiet -v --verbose --threads= --cache-size= --reader-options= --kind= --recover --index-dir= --request-deadline= --max-requests= --prefetch= --endpoint-url= --region= --addressing= --aws-profile= --anonymous --requester-pays --billing-project= --cache-dir= --cache-dir-size= -h --help -V --version" ;;
    "convert") echo "-o --output= -f --force --no-sync --in-place --each --shards= --shard-size= --shard-records= --round-robin --shard-suffix --records= --shuffle --profile= --options= --group-size= --codec= --transpose --no-copy --limit-memory= --files-from= -q --quiet -v --verbose --json --timing --threads= --cache-size= --reader-options= --kind= --recover --index-dir= --request-deadline= --max-requests= --prefetch= --endpoint-url= --region= --addressing= --aws-profile= --anonymous --requester-pays --billing-project= --cache-dir= --cache-dir-size= -h --help -V --version" ;;
    "bench codecs") echo "--options= --levels= --group-size= --records= --threads= --repeat= --limit= --dir= --csv --plot= -f --force -q --quiet -v --verbose --json -h --help -V --version" ;;
    "bench access") echo "--count= --batch= --seed= --repeat= --cold --csv --plot= -f --force -q --quiet -v --verbose --json -h --help -V --version" ;;
    "bench mount") echo "--count= --batch= --seed= --repeat= --cold --csv --plot= -f --force -q --quiet -v --verbose --json -h --help -V --version" ;;
    "doctor") echo "--access= --deep --files-from= -q --quiet -v --verbose --json --threads= --cache-size= --reader-options= --kind= --recover --index-dir= --request-deadline= --max-requests= --prefetch= --endpoint-url= --region= --addressing= --aws-profile= --anonymous --requester-pays --billing-project= --cache-dir= --cache-dir-size= -h --help -V --version" ;;
    esac
}

# How the value of its option $2 is completed; fails if there is none to complete.
_arec_value()
{
    case "$1 $2" in
    *" --files-from" | "repair -o" | "pack -o" | "convert -o" | *" --output" | *" --log-file" | *" --files-from0" | *" --write-names" | *" --plot")
        echo "file" ;;
    *" --threads" | *" --cache-size" | *" --request-deadline" | *" --max-requests" | *" --prefetch" | *" --cache-dir-size" | *" --readahead-buffer-size" | *" --max-parallelism" | *" --suffix" | *" --limit-memory")
        echo "words auto" ;;
    *" --reader-options" | *" --endpoint-url" | *" --region" | *" --aws-profile" | *" --billing-project" | "pack --options" | "convert --options" | "bench codecs --options" | *" --pattern" | *" --idle-unmount" | *" --interval" | *" --shards" | *" --shard-size" | *" --shard-records" | *" --group-size" | *" --exclude" | *" --records" | *" --repeat" | *" --limit" | *" --count" | *" --batch" | *" --seed")
        echo "nothing" ;;
    *" --kind")
        echo "words array_record riegeli" ;;
    *" --index-dir" | *" --cache-dir" | *" --dir")
        echo "folder" ;;
    *" --addressing")
        echo "words auto virtual path" ;;
    *" --frame")
        echo "words tfrecord" ;;
    "mount -o" | "mount --options")
        echo "mount allow_other uid= gid= umask= fmask= dmask= fsname= max_read= cache-size= readahead-buffer-size= max-parallelism= index-storage-option= reader-options= profile= merge names= suffix= files-from= pattern= recover strict kind= no-push index-dir= request-deadline= max-requests= prefetch= endpoint-url= region= addressing= aws-profile= anonymous requester-pays billing-project= cache-dir= cache-dir-size= idle-unmount= log-level= log-file=" ;;
    *" --index-storage-option")
        echo "words in_memory offloaded" ;;
    "mount --profile")
        echo "words sequential random batch mixed low-memory constrained high-memory cloud linux" ;;
    "pack --profile" | "convert --profile")
        echo "words random low-memory constrained high-memory cloud balanced archive throughput low-latency" ;;
    "mount --names")
        echo "words padded plain" ;;
    "unpack --names")
        echo "words padded plain stored" ;;
    *" --log-level")
        echo "words error warning message info debug" ;;
    *" --from")
        echo "words files lines jsonl tfrecord tar webdataset array_record riegeli" ;;
    *" --codec")
        echo "words uncompressed brotli zstd snappy" ;;
    *" --levels")
        echo "words all" ;;
    *" --access")
        echo "words sequential random batch low-memory" ;;
    *) return 1 ;;
    esac
}

# Completes $1, which follows $2 in the same word, with the words $3.
_arec_reply()
{
    local whole=$2$1 word
    # Readline replaces no more than what follows the last = or : of the word.
    local cut=$((${#whole} - ${#typed}))

    COMPREPLY=()
    while IFS= read -r word; do
        [[ -n $word ]] && word=$2$word && COMPREPLY+=("${word:cut}")
    done < <(compgen -W "$3" -- "$1")
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
}

# Completes the value $1 of option $3 of command $4; $2 is before it in the same word.
_arec_reply_value()
{
    local value=$1 before=$2 name
    local -a how

    read -ra how < <(_arec_value "$4" "$3")
    case ${how[0]} in
    words) _arec_reply "$value" "$before" "${how[*]:1}" ;;
    folder)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$value")
        [[ -z $before || -z $typed || $typed == "$value" ]] || COMPREPLY=("${COMPREPLY[@]/#/$before}")
        ;;
    mount)
        if [[ $value == *,* ]]; then
            before+=${value%,*},
            value=${value##*,}
        fi
        if [[ $value == *=* ]]; then
            name=${value%%=*}
            _arec_reply_value "${value#*=}" "$before$name=" "--${name//_/-}" "$4"
        else
            compopt -o nospace 2>/dev/null
            _arec_reply "$value" "$before" "${how[*]:1}"
        fi
        ;;
    nothing) compopt +o default +o bashdefault 2>/dev/null ;;
    esac
}

_arec()
{
    local typed=${COMP_WORDS[COMP_CWORD]} command= cur word i n
    local -a words=()

    COMPREPLY=()
    # Bash splits words at = and :, too.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i > 1)) && [[ $word == [=:]* || ${words[${#words[@]} - 1]} == *[=:] ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
    done
    [[ $typed == [=:]* ]] && typed=
    n=${#words[@]}
    cur=${words[n - 1]}
    if ((n == 2)); then
        if [[ $cur == -* ]]; then
            _arec_reply "$cur" '' "-h --help -V --version"
        else
            _arec_reply "$cur" '' "info ls cat verify repair mount stats pack unpack convert bench doctor help"
        fi
        return
    fi
    command=${words[1]}
    case $command in
    help)
        ((n == 3)) && _arec_reply "$cur" '' "info ls cat verify repair mount stats pack unpack convert bench doctor"
        return
        ;;
    bench)
        if ((n == 3)); then
            _arec_reply "$cur" '' "codecs access mount"
            return
        fi
        command+=" ${words[2]}"
        ;;
    esac
    for word in "${words[@]:1:n-2}"; do
        [[ $word == -- ]] && return
    done
    if [[ $cur == --*=* ]]; then
        _arec_reply_value "${cur#*=}" "${cur%%=*}=" "${cur%%=*}" "$command"
    elif _arec_value "$command" "${words[n - 2]}" >/dev/null; then
        _arec_reply_value "$cur" '' "${words[n - 2]}" "$command"
    elif [[ $cur == -* ]]; then
        _arec_reply "$cur" '' "$(_arec_options "$command")"
    elif [[ $command == stats ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
    fi
}

complete -o default -o bashdefault -F _arec arec
