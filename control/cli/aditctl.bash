# SPDX-License-Identifier: BSD-3-Clause
# Bash completion for aditctl; a test holds it against the table of commands.

# Column $1 of the table that the rest of the arguments print, its title left out.
_aditctl_column()
{
	local column=$1
	shift
	aditctl "$@" 2>/dev/null | awk -v c="$column" 'NR > 1 && NF > 3 { print $c }'
}

_aditctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local general="-s --socket --json -h --help -V --version"
	local command="" words="" i n=0

	COMPREPLY=()
	case $prev in
	-s | --socket)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--user)
		mapfile -t COMPREPLY < <(compgen -W "$(_aditctl_column 2 sessions)" -- "$cur")
		return
		;;
	esac
	# The command is the first word that is neither an option nor an option's argument; n counts the words behind it.
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket | --user) ((i++)) ;;
		-*) ;;
		*) if [ -z "$command" ]; then command=${COMP_WORDS[i]}; else ((n++)); fi ;;
		esac
	done
	case $command:$n in
	:*) words="status sessions session tunnels disconnect stats sas weak-crypto explain version help $general" ;;
	sessions:*) words="--user" ;;
	session:0) words=$(_aditctl_column 1 sessions) ;;
	disconnect:0) words="--user $(_aditctl_column 1 sessions)" ;;
	stats:*) words="--all" ;;
	weak-crypto:0) words="pptp l2tp" ;;
	weak-crypto:1) words="on off" ;;
	weak-crypto:2) words="--keep --rekey --drop" ;;
	explain:0) words=$(_aditctl_column 1 explain) ;;
	help:0) words="status sessions session tunnels disconnect stats sas weak-crypto explain version help" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _aditctl aditctl
