# shellcheck shell=bash
# steps.sh: how the project's scripts say what they do. Sourced by run, check and tools/*, bash only.
#
# One line a step: what, and how long it took. A spinner only where a person looks at a terminal.
# What a step prints goes to $STEP_LOG; its last lines are shown when it fails.

STEP_LOG=${STEP_LOG:-/dev/null}
STEP_CHILD=

say() { printf 'mainstay: %s\n' "$*"; }

# fail SENTENCE NEXT: why it stopped and what to do about it.
fail() {
	printf 'mainstay: %s\n' "$1" >&2
	[ $# -lt 2 ] || printf '          %s\n' "$2" >&2
	exit 1
}

now_ms() { local t=${EPOCHREALTIME/[.,]/}; echo $((t / 1000)); }

# took MILLISECONDS: "0.3 s", "12 s", "3 min 4 s"
took() {
	local ms=$1
	if ((ms < 10000)); then
		printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
	elif ((ms < 120000)); then
		printf '%d s' $((ms / 1000))
	else
		printf '%d min %d s' $((ms / 60000)) $((ms / 1000 % 60))
	fi
}

# Waits for the step's process and turns a wheel meanwhile. The last line of the log is the news.
step_wait() {
	local what=$1 child=$2 begun=$3 wheel='|/-+' turn=0 news width
	if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ]; then
		width=$(tput cols 2>/dev/null || echo 80)
		while kill -0 "$child" 2>/dev/null; do
			news=$(tail -n 1 "$STEP_LOG" 2>/dev/null | tr -d '\r\033' || true)
			news="$what $(took $(($(now_ms) - begun)))  $news"
			printf '\r\033[K%s %s' "${wheel:turn++%4:1}" "${news:0:width-3}"
			sleep 0.2
		done
		printf '\r\033[K'
	fi
	wait "$child"
}

# What a step started ends with the script, by its process group and never by name. It ends by `exit`,
# so that an EXIT trap of the script still runs: bash does not run it when a signal kills it.
step_stop() {
	[ -z "$STEP_CHILD" ] || kill -TERM -- "-$STEP_CHILD" 2>/dev/null || true
	[ ! -t 1 ] || printf '\n'
	exit $((128 + $1))
}
trap 'step_stop 1' HUP
trap 'step_stop 2' INT
trap 'step_stop 15' TERM

# step WHAT COMMAND...: runs the command with no stdin; returns its status.
step() {
	local what=$1 begun status=0
	shift
	begun=$(now_ms)
	printf '\n== %s: %s\n' "$what" "$*" >>"$STEP_LOG"
	set -m # a process group of its own, so that Ctrl-C can end all of it
	"$@" </dev/null >>"$STEP_LOG" 2>&1 &
	STEP_CHILD=$!
	set +m
	step_wait "$what" "$STEP_CHILD" "$begun" || status=$?
	STEP_CHILD=
	if ((status == 0)); then
		printf '  %-44s %s\n' "$what" "$(took $(($(now_ms) - begun)))"
	else
		printf '  %-44s failed after %s\n' "$what" "$(took $(($(now_ms) - begun)))"
		awk '/^== /{ text = ""; next } { text = text $0 "\n" } END { printf "%s", text }' "$STEP_LOG" |
			tail -n "${STEP_TAIL:-30}" | sed 's/^/    /'
	fi
	return $status
}
