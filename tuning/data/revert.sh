#!/bin/sh
# Puts back what a trial of longpipe has changed, as far as it is still as the trial left it. Made for one plan.
# It needs no Python, no network and no names. By hand: sh revert.sh --now
plan=@plan@
journal=@journal@
pending=@pending@
PATH=@path@
LC_ALL=C
IFS=' 	
'
export PATH LC_ALL
set -f
umask 077
@functions@
# lines SED COMMAND...: what the command prints, through sed -n where SED is not empty.
lines() {
    program=$1
    shift
    out=$("$@" 2>/dev/null) || return 1
    if [ -n "$program" ]; then
        printf '%s\n' "$out" | sed -n "$program"
    else
        printf '%s\n' "$out"
    fi
}

# value COMMAND: its lines sorted, words with single spaces between them.
value() {
    raw=$("$@") || return 1
    raw=$(printf '%s\n' "$raw" | sort)
    # shellcheck disable=SC2086
    set -- $raw
    printf '%s' "$*"
}

# current STEP: its value, or something that no value is where it cannot be read.
current() {
    if found=$(value "read_$1"); then
        printf '%s' "${found:-$absent}"
    else
        printf '%s' "(unread) $old$new"
    fi
}

note() {
    printf '{"plan":"%s","step":%s,"state":"%s","time_ns":%s000000000,"by":"dead-man"}\n' \
        "$plan" "$1" "$2" "$(date +%s)" >> "$journal"
    sync "$journal" 2>/dev/null || sync
}

put_back() {
    "about_$1"
    grep -F -q -e "$begun" "$journal" || return 0
    if [ -n "$identity" ] && [ "$(value "same_$1")" != "$identity" ]; then
        note "$1" conflict
        failed=yes
        return 0
    fi
    now=$(current "$1")
    if [ "$now" = "$new" ]; then
        act=0
        while [ "$act" -lt "$acts" ] && [ "$now" != "$old" ]; do
            "undo_$1" "$act" > /dev/null 2>&1
            now=$(current "$1")
            act=$((act + 1))
        done
    fi
    if [ "$now" = "$old" ]; then
        note "$1" reverted
    else
        note "$1" conflict
        failed=yes
    fi
}

# With --check: everything can be read and the journal written. Nothing is changed.
check() {
    [ -w "$journal" ] || exit 1
    for tool in sed sort grep date sync; do
        command -v "$tool" > /dev/null || exit 1
    done
    for step in @steps@; do
        "about_$step"
        [ -z "$identity" ] || [ "$(value "same_$step")" = "$identity" ] || exit 1
        now=$(value "read_$step") || exit 1
        now=${now:-$absent}
        [ "$now" = "$old" ] || exit 1
    done
    exit 0
}

case $1 in
--check) check ;;
--now) rm -f "$pending" ;;
*)
    if [ "$1" = --after ]; then
        # In the background, where the end of the session that started it is of no concern.
        trap '' HUP
        echo $$ > "$pending.watcher"
        left=$2
        while [ "$left" -gt 0 ] && [ -e "$pending" ]; do
            sleep 1
            left=$((left - 1))
        done
    fi
    # Whoever renames it first has decided: this script, or the person who confirms.
    mv "$pending" "$pending.fired" 2>/dev/null || exit 0
    ;;
esac

failed=
# Whatever was torn by a crash ends here.
printf '\n' >> "$journal"
for step in @steps@; do
    put_back "$step"
done
if [ -z "$failed" ]; then note null reverted; else note null conflict; fi
