# SPDX-License-Identifier: BSD-3-Clause
# Bash completion for aditctl; a test holds it against the table of commands.
#
# Users' names come from whoever dials in.  They are data: compared as they are, quoted for the command line, never evaluated (T22).  So
# there is no compgen -W here, which expands its words as the shell does.

# Adds to COMPREPLY those of the other arguments that begin with $1.
_aditctl_match()
{
	local cur=$1 word quoted
	shift
	for word in "$@"; do
		[[ -n $word && $word != *[[:cntrl:]]* ]] || continue
		printf -v quoted %q "$word"
		if [[ $word == "${cur#[\"\']}"* || $quoted == "$cur"* ]]; then
			COMPREPLY+=("$quoted")
		fi
	done
}

# The same for what the gateway has: users, sessions, codes.
_aditctl_listed()
{
	local names
	mapfile -t names < <(aditctl --list "$2" 2>/dev/null)
	_aditctl_match "$1" "${names[@]}"
}

_aditctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local commands=(status sessions session tunnels disconnect lockouts unlock stats sas weak-crypto show set unset reload explain version help)
	local command="" i n=0

	COMPREPLY=()
	case $prev in
	-s | --socket)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--user)
		_aditctl_listed "$cur" users
		return
		;;
	esac
	# The command is the first word that is neither an option nor an option's argument; n counts the words behind it.
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket | --user | --if-revision) ((i++)) ;;
		-*) ;;
		*) if [ -z "$command" ]; then command=${COMP_WORDS[i]}; else ((n++)); fi ;;
		esac
	done
	case $command:$n in
	:*) _aditctl_match "$cur" "${commands[@]}" -s --socket --json -h --help -V --version ;;
	sessions:*) _aditctl_match "$cur" --user ;;
	session:0) _aditctl_listed "$cur" sessions ;;
	disconnect:0)
		_aditctl_match "$cur" --user
		_aditctl_listed "$cur" sessions
		;;
	unlock:0) _aditctl_listed "$cur" lockouts ;;
	stats:*) _aditctl_match "$cur" --all ;;
	weak-crypto:0) _aditctl_match "$cur" pptp l2tp ;;
	weak-crypto:1) _aditctl_match "$cur" on off ;;
	weak-crypto:2) _aditctl_match "$cur" --keep --rekey --drop ;;
	show:0) _aditctl_listed "$cur" settings ;;
	set:*)
		if ((n % 2 == 0)); then
			_aditctl_match "$cur" --keep --rekey --drop --temporary --force --if-revision
			_aditctl_listed "$cur" settable
		fi
		;;
	unset:*)
		_aditctl_match "$cur" --keep --rekey --drop --force --if-revision
		_aditctl_listed "$cur" settable
		;;
	reload:*) _aditctl_match "$cur" --keep --drop ;;
	explain:0) _aditctl_listed "$cur" codes ;;
	help:0) _aditctl_match "$cur" "${commands[@]}" ;;
	esac
}

complete -F _aditctl aditctl
