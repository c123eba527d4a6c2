# bash completion for arecfs
# Made by tools/completions/make; changes are made there.

# What the command line arecfs $1 takes as options; those that end in = take a value.
_arecfs_options()
{
    case $1 in
    "") echo "-f --foreground -d --debug -o --options= -u --unmount -h --help -V --version --cache-size= --readahead-buffer-size= --max-parallelism= --index-storage-option= --reader-options= --profile= --merge --names= --suffix= --files-from= --pattern= --recover --strict --kind= --no-push --index-dir= --request-deadline= --max-requests= --prefetch= --endpoint-url= --region= --addressing= --aws-profile= --anonymous --requester-pays --billing-project= --cache-dir= --cache-dir-size= --idle-unmount= --log-level= --log-file=" ;;
    esac
}

# How the value of its option $2 is completed; fails if there is none to complete.
_arecfs_value()
{
    case "$1 $2" in
    *" -o" | *" --options")
        echo "mount allow_other uid= gid= umask= fmask= dmask= fsname= max_read= cache-size= readahead-buffer-size= max-parallelism= index-storage-option= reader-options= profile= merge names= suffix= files-from= pattern= recover strict kind= no-push index-dir= request-deadline= max-requests= prefetch= endpoint-url= region= addressing= aws-profile= anonymous requester-pays billing-project= cache-dir= cache-dir-size= idle-unmount= log-level= log-file=" ;;
    *" --cache-size" | *" --readahead-buffer-size" | *" --max-parallelism" | *" --suffix" | *" --request-deadline" | *" --max-requests" | *" --prefetch" | *" --cache-dir-size")
        echo "words auto" ;;
    *" --index-storage-option")
        echo "words in_memory offloaded" ;;
    *" --reader-options" | *" --pattern" | *" --endpoint-url" | *" --region" | *" --aws-profile" | *" --billing-project" | *" --idle-unmount")
        echo "nothing" ;;
    *" --profile")
        echo "words sequential random batch mixed low-memory constrained high-memory cloud linux" ;;
    *" --names")
        echo "words padded plain" ;;
    *" --files-from" | *" --log-file")
        echo "file" ;;
    *" --kind")
        echo "words array_record riegeli" ;;
    *" --index-dir" | *" --cache-dir")
        echo "folder" ;;
    *" --addressing")
        echo "words auto virtual path" ;;
    *" --log-level")
        echo "words error warning message info debug" ;;
    *) return 1 ;;
    esac
}

# Completes $1, which follows $2 in the same word, with the words $3.
_arecfs_reply()
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
_arecfs_reply_value()
{
    local value=$1 before=$2 name
    local -a how

    read -ra how < <(_arecfs_value "$4" "$3")
    case ${how[0]} in
    words) _arecfs_reply "$value" "$before" "${how[*]:1}" ;;
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
            _arecfs_reply_value "${value#*=}" "$before$name=" "--${name//_/-}" "$4"
        else
            compopt -o nospace 2>/dev/null
            _arecfs_reply "$value" "$before" "${how[*]:1}"
        fi
        ;;
    nothing) compopt +o default +o bashdefault 2>/dev/null ;;
    esac
}

_arecfs()
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
    for word in "${words[@]:1:n-2}"; do
        [[ $word == -- ]] && return
    done
    if [[ $cur == --*=* ]]; then
        _arecfs_reply_value "${cur#*=}" "${cur%%=*}=" "${cur%%=*}" "$command"
    elif _arecfs_value "$command" "${words[n - 2]}" >/dev/null; then
        _arecfs_reply_value "$cur" '' "${words[n - 2]}" "$command"
    elif [[ $cur == -* ]]; then
        _arecfs_reply "$cur" '' "$(_arecfs_options "$command")"
    fi
}

complete -o default -o bashdefault -F _arecfs arecfs
