# SPDX-License-Identifier: MIT
# Completion of weir for bash: verbs and options as `weir --help` of the very binary says, and names of DAGs.

# "group verb ARGUMENTS", a line each. The help has them in the first 38 columns of lines that begin with two spaces.
_weir_verbs() {
    "$1" --help 2>/dev/null | sed -n 's/^  \([a-z].*\)/\1/p' | cut -c 1-36
}

_weir_options() {
    "$@" --help 2>/dev/null | sed -n 's/^  \(-[a-z],\|   \) \(--\)\(\[no-\]\)\{0,1\}\([a-z-]*\).*/\2\4/p'
}

_weir_dags() {
    "$1" dags list -o json 2>/dev/null | sed -n 's/^.*"dag_id": *"\([^"]*\)".*$/\1/p'
}

_weir() {
    local cur=$2 prev=$3 weir=${COMP_WORDS[0]/#\~/$HOME} i word group='' verb='' n=0 first second third rest choices=''
    COMPREPLY=()
    case $prev in
    -o | --output)
        mapfile -t COMPREPLY < <(compgen -W 'table json yaml plain' -- "$cur")
        return
        ;;
    --state)
        mapfile -t COMPREPLY < <(compgen -W 'queued running success failed skipped' -- "$cur")
        return
        ;;
    esac
    local verbs
    verbs=$(_weir_verbs "$weir")
    # What has been said so far: an optional group, a verb, and how many arguments.
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        -o | --output) ((i++)) ;;
        -*) ;;
        *)
            if [[ -n $verb ]]; then
                ((n++))
            elif [[ -z $group && $verbs =~ (^|$'\n')"$word "[a-z] ]]; then
                group=$word
            else
                verb=$word
            fi
            ;;
        esac
    done
    if [[ $cur == -* ]]; then
        # shellcheck disable=SC2086 # no word for what has not been said
        mapfile -t COMPREPLY < <(compgen -W "$(_weir_options "$weir" $group $verb)" -- "$cur")
        return
    fi
    while read -r first second third rest; do
        if [[ -z $group && -z $verb ]]; then
            choices+=" $first"
        elif [[ -n $group && -z $verb && $first == "$group" ]]; then
            choices+=" $second"
        elif [[ -n $group && $first == "$group" && $second == "$verb" && $third == DAG && $n == 0 ]]; then
            choices+=" $(_weir_dags "$weir")"
        elif [[ -z $group && $first == "$verb" && $second == DAG* && $n == 0 ]]; then
            choices+=" $(_weir_dags "$weir")"
        fi
    done <<<"$verbs"
    [[ -z $choices ]] && return
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$cur" | sort -u)
}

# Where no verb or DAG fits, files: of `run`, `dags validate`, `db backup`.
complete -o default -F _weir weir
