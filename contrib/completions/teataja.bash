# Completion for bash: the program itself says what may come next.
_teataja() {
  local word=${COMP_WORDS[COMP_CWORD]} found
  COMPREPLY=()
  while IFS=$'\t' read -r found _; do
    case $found in
      :files) compopt -o filenames; mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$word") ;;
      :folders) compopt -o filenames; mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -d -- "$word") ;;
      *) COMPREPLY+=("$found") ;;
    esac
  done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _teataja teataja
